"""Resources of operators that run the server: NatsStreamingCluster, and those that are no FT group."""

from __future__ import annotations

from collections.abc import Iterator

from stanlocal.imports.import_result import Found
from stanlocal.imports.objects import Object, at, listed, text
from stanlocal.imports.workload import STREAMING_CLUSTER, Server
from stanlocal.natsconf import Place, Table

_WAY_ON = "'stanlocal up' without --from starts an FT group"
_RAFT = "as a Raft cluster, where each node has its own store; stanlocal runs FT groups over one store"


def is_custom(each: Object) -> bool:
    """Return whether the object is an operator's, which makes the pods of it."""
    return each.kind in (STREAMING_CLUSTER, "EventBus", "NatsCluster")


def servers(each: Object, found: Found) -> Iterator[Server]:
    """Yield the servers that the operator makes of it; note a problem where they are no FT group."""
    if each.kind == STREAMING_CLUSTER:
        yield from _streaming_cluster(each, found)
    elif each.kind == "EventBus":
        _event_bus(each, found)


def _streaming_cluster(each: Object, found: Found) -> Iterator[Server]:
    """Yield the server with the command line that nats-streaming-operator gives it."""
    config = _table(each.content, "spec", "config")
    store = text(_table(each.content, "spec"), "store").upper()
    group = text(config, "ftGroup")
    size = at(each.content, ("spec", "size"))
    if store not in ("SQL", "MEMORY") and not group and (size != 1 or at(config, ("clustered",)) is True):
        way_on = f"set spec.config.ftGroup and spec.config.storeDir for an FT group, or {_WAY_ON}"
        found.problem(each.place, f"{each.title}: the operator runs its servers {_RAFT}; {way_on}")
        return
    if group and not text(config, "storeDir"):
        why = "the operator passes it to the servers only with spec.config.storeDir; here it counts"
        found.changed(each.place, f"{each.title} spec.config.ftGroup ('{group}')", why)
    containers = listed(each.content, ("spec", "template", "spec", "containers"), each.place)
    step, content = next(
        ((step, entry.value) for step, entry in containers if isinstance(entry.value, dict)), ("[0]", {})
    )
    each.taken += [("spec", "size"), ("spec", "store"), ("spec", "configFile")]
    each.taken += [("spec", "config", name) for name in ("ftGroup", "debug", "trace")]
    yield Server(each, ("spec", "template"), step, content, tuple(_arguments(each, store, config)))


def _arguments(each: Object, store: str, config: Table) -> Iterator[tuple[str, Place]]:
    spec = _table(each.content, "spec")
    places = {**{name: entry.place for name, entry in spec.items()}}
    places |= {name: entry.place for name, entry in config.items()}
    words = [
        ("name", ["-cid", each.name]),
        ("store", ["-st", store if store in ("SQL", "MEMORY") else "file"]),
        ("ftGroup", ["-ft_group", text(config, "ftGroup")]),
        ("storeDir", ["-dir", text(config, "storeDir")]),
        ("natsSvc", ["-ns", f"nats://{text(spec, 'natsSvc')}:4222" if text(spec, "natsSvc") else ""]),
        ("configFile", ["-sc", text(spec, "configFile")]),
        ("debug", ["-SD"] if at(config, ("debug",)) is True else [""]),
        ("trace", ["-SV"] if at(config, ("trace",)) is True else [""]),
    ]
    for name, each_words in words:
        if each_words[-1]:
            yield from ((word, places.get(name, each.place)) for word in each_words)


def _event_bus(each: Object, found: Found) -> None:
    native = at(each.content, ("spec", "nats", "native"))
    exotic = at(each.content, ("spec", "nats", "exotic"))
    if isinstance(native, dict):
        why = f"Argo Events runs the servers of its native bus {_RAFT}"
    elif isinstance(exotic, dict):
        why = "it names servers that run elsewhere; give the files of their deployment"
    else:
        why = "it is a bus of another kind than NATS Streaming"
    found.problem(each.place, f"{each.title}: {why}; {_WAY_ON}")


def _table(table: Table, *path: str) -> Table:
    value = at(table, path)
    return value if isinstance(value, dict) else {}
