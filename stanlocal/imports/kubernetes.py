"""Kubernetes objects as settings: the stan.conf of a ConfigMap, and what the workload beside it adds."""

from __future__ import annotations

import posixpath
import re
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stanlocal.imports import flags
from stanlocal.imports.conf import read_conf
from stanlocal.imports.found import Found
from stanlocal.imports.kubernetes_reasons import CONFIG_MAP, KINDS, OTHER_CONTAINER, UNKNOWN_KIND, WORKLOAD
from stanlocal.imports.walk import Path, items, leave_rest
from stanlocal.natsconf import ConfError, Entry, Place, Table, parse, plain
from stanlocal.plan import STOP_GRACE_S

_WORKLOADS = ("StatefulSet", "Deployment", "Pod")
_POD: dict[str, Path] = {
    "StatefulSet": ("spec", "template", "spec"),
    "Deployment": ("spec", "template", "spec"),
    "Pod": ("spec",),
}
_SERVER_IMAGE = re.compile(r"(^|/)nats-streaming(:|@|-server|$)")
_ENCRYPTION_KEY = "NATS_STREAMING_ENCRYPTION_KEY"
_REFERENCE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")


@dataclass(slots=True)
class Object:
    """One object of the file."""

    kind: str
    name: str
    content: Table
    place: Place
    taken: list[Path] = field(default_factory=list)
    """Where what was used of it is."""

    @property
    def title(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class Server:
    """The container that runs the server, in the workload that it belongs to."""

    workload: Object
    pod: Path
    step: str
    """The container among the pod's, as paths name it."""
    content: Table

    @property
    def path(self) -> Path:
        return (*self.pod, "containers", self.step)


def objects(documents: Sequence[Entry]) -> Iterator[Object]:
    """The objects of the documents, those in lists (`kubectl get -o yaml`) included."""
    for document in documents:
        content = document.value
        if not isinstance(content, dict):
            continue
        if _text(content, "kind").endswith("List") and isinstance(listed := _at(content, ("items",)), list):
            yield from objects([item for _, item in items(listed, document.place)])
        else:
            metadata = _at(content, ("metadata", "name"))
            name = metadata if isinstance(metadata, str) else "?"
            yield Object(_text(content, "kind") or "?", name, content, document.place)


def read(found_objects: Sequence[Object], blocks: Mapping[Place, tuple[int, int]], environ: Mapping[str, str],
         found: Found) -> None:  # fmt: skip
    """Puts what the objects say into `found`; `blocks` are where literal blocks of the file begin."""
    servers = [server for each in found_objects for server in _servers(each)]
    if len(servers) > 1:
        names = ", ".join(server.workload.title for server in servers)
        found.problem(
            servers[1].workload.place, f"several run nats-streaming ({names}); leave one in the file"
        )
        return
    server = servers[0] if servers else None
    arguments = list(flags.split(_arguments(server))) if server else []
    source = _conf_source(found_objects, server, arguments, found)
    if found.problems:
        return
    if source is None and server is None:
        start = found_objects[0].place
        found.problem(start, "there is neither a stan.conf in a ConfigMap nor a workload of nats-streaming")
        return
    variables = ChainMap(_environment(server, found) if server else {}, dict(environ))
    conf: Table = {}
    start = server.workload.place if server else found_objects[0].place
    if source is not None:
        conf, start = _parsed(source[0], source[1], blocks, variables, found)
        if found.problems:
            return
    read_conf(flags.lay_over(conf, arguments, found), start, found)
    if server is not None:
        _workload(server, found)
    for each in found_objects:
        _rest(each, server, found)


# The workload


def _servers(workload: Object) -> Iterator[Server]:
    if workload.kind not in _WORKLOADS:
        return
    pod = _POD[workload.kind]
    containers = _at(workload.content, (*pod, "containers"))
    if not isinstance(containers, list):
        return
    for step, entry in items(containers, workload.place):
        content = entry.value
        if isinstance(content, dict) and _runs_server(content):
            yield Server(workload, pod, step, content)


def _runs_server(container: Table) -> bool:
    words = [text for name in ("command", "args") for text in _strings(container, name)]
    flag_names = {word.lstrip("-").partition("=")[0] for word in words if word.startswith("-")}
    return bool(_SERVER_IMAGE.search(_text(container, "image"))) or bool(flag_names & {"sc", "stan_config"})


def _arguments(server: Server) -> list[tuple[str, Place]]:
    return [
        (text, server.content[name].place)
        for name in ("command", "args")
        for text in _strings(server.content, name)
    ]


def _environment(server: Server, found: Found) -> dict[str, str]:
    """The container's variables, as far as the file has their values, references between them resolved."""
    variables: dict[str, str] = {}
    listed = _at(server.content, ("env",))
    for _, entry in items(listed, server.workload.place) if isinstance(listed, list) else ():
        if not isinstance(entry.value, dict):
            continue
        name, value = _text(entry.value, "name"), _at(entry.value, ("value",))
        if isinstance(value, (str, int, float)):
            text = _REFERENCE.sub(lambda match: variables.get(match[1], match[0]), str(value))
            variables[name] = text
        if name == _ENCRYPTION_KEY:
            if name in variables:
                found.put(("streaming", "encryption_key"), variables[name], entry.place)
            else:
                found.put(("streaming", "encrypt"), True, entry.place)
    return {name: text for name, text in variables.items() if not _REFERENCE.search(text)}


def _workload(server: Server, found: Found) -> None:
    workload = server.workload
    replicas = workload.content["spec"].value
    entry = replicas.get("replicas") if isinstance(replicas, dict) else None
    if entry is not None:
        found.put(("nodes",), plain(entry.value), entry.place)
        workload.taken.append(("spec", "replicas"))
    grace = (*server.pod, "terminationGracePeriodSeconds")
    if _at(workload.content, grace) == STOP_GRACE_S:
        workload.taken.append(grace)
    workload.taken += [(*server.path, name) for name in ("name", "args", "command")]


# The configuration


def _conf_source(
    found_objects: Sequence[Object], server: Server | None, arguments: Sequence[flags.Flag], found: Found
) -> tuple[Object, str] | None:
    """The ConfigMap and its key that the server reads; None when it runs by arguments alone."""
    maps = [each for each in found_objects if each.kind == "ConfigMap"]
    named = next((flag for flag in arguments if flag.name in flags.CONFIG_FLAGS and flag.value), None)
    if server is not None and named is not None and named.value is not None:
        folder, key = posixpath.split(named.value)
        wanted = _mounted_map(server, folder)
        for each in maps:
            if each.name == wanted and key in _data(each):
                return each, key
        source = f"ConfigMap {wanted}" if wanted else "a volume that is no ConfigMap"
        found.problem(
            named.place,
            f"the server reads {named.value} from {source}, which is not in this file; add the ConfigMap "
            "(kubectl get configmap -o yaml) or give the stan.conf itself",
        )
        return None
    candidates = [(each, key) for each in maps for key in _data(each) if key.endswith(".conf")]
    if len(candidates) > 1:
        names = ", ".join(f"{each.name}: {key}" for each, key in candidates)
        found.problem(candidates[1][0].place, f"several configurations ({names}); leave one in the file")
    return candidates[0] if candidates else None


def _mounted_map(server: Server, folder: str) -> str | None:
    """The name of the ConfigMap that is mounted at `folder`."""
    mounts = _at(server.content, ("volumeMounts",))
    volumes = _at(server.workload.content, (*server.pod, "volumes"))
    if not isinstance(mounts, list) or not isinstance(volumes, list):
        return None
    names = {
        _text(mount, "name")
        for mount in mounts
        if isinstance(mount, dict) and posixpath.normpath(_text(mount, "mountPath") or "?") == folder
    }
    for volume in volumes:
        if isinstance(volume, dict) and _text(volume, "name") in names:
            name = _at(volume, ("configMap", "name"))
            return name if isinstance(name, str) else None
    return None


def _parsed(
    source: Object,
    key: str,
    blocks: Mapping[Place, tuple[int, int]],
    environ: Mapping[str, str],
    found: Found,
) -> tuple[Table, Place]:
    """The configuration under `key`, its places those in the file, where its text is there as it is."""
    data = _data(source)
    source.taken.append(("data", key))

    def read_include(path: str) -> str:
        if path not in data:
            raise ValueError(f"it is not in ConfigMap {source.name}")
        source.taken.append(("data", path))
        return _conf_text(data[path])

    def in_file(place: Place) -> Place:
        own = data.get(place.file)
        if own is None or own.place not in blocks:
            return replace(place, file=f"{source.place.file} (ConfigMap {source.name}, {place.file})")
        line, column = blocks[own.place]
        return Place(source.place.file, line + place.line - 1, column + place.column - 1)

    try:
        conf = parse(
            _conf_text(data[key]),
            key,
            environ=environ,
            read_include=read_include,
            missing_ok=True,
            said=lambda place, line: found.changed(in_file(place), "an option", line),
        )
    except ConfError as error:
        found.problem(in_file(error.place), error.reason)
        return {}, source.place
    return _moved(conf, in_file), data[key].place


def _moved(table: Table, in_file: object) -> Table:
    assert callable(in_file)

    def move(value: object) -> object:
        if isinstance(value, dict):
            return _moved(value, in_file)
        return [move(item) for item in value] if isinstance(value, list) else value

    return {name: Entry(move(entry.value), in_file(entry.place)) for name, entry in table.items()}  # type: ignore[arg-type]


# What is left


def _rest(each: Object, server: Server | None, found: Found) -> None:
    if server is not None and each is server.workload:
        others = {
            (*server.pod, "containers", step): OTHER_CONTAINER
            for step, _ in items(_at(each.content, (*server.pod, "containers")), each.place)  # type: ignore[arg-type]
            if step != server.step
        }
        reasons = {**others, **WORKLOAD(server.pod, server.path)}
        leave_rest(each.content, each.title, [("apiVersion",), ("kind",), *each.taken], reasons, found)
    elif each.kind == "ConfigMap" and each.taken:
        leave_rest(each.content, each.title, [("apiVersion",), ("kind",), *each.taken], CONFIG_MAP, found)
    else:
        found.left_out(each.place, each.title, KINDS.get(each.kind, UNKNOWN_KIND))


# Looking into tables


def _at(table: Table, path: Path) -> object:
    """The value at `path`, which may be missing."""
    value: object = table
    for step in path:
        if not isinstance(value, dict) or step not in value:
            return None
        value = value[step].value
    return value


def _text(table: Table, name: str) -> str:
    value = _at(table, (name,))
    return value if isinstance(value, str) else ""


def _strings(table: Table, name: str) -> list[str]:
    value = _at(table, (name,))
    return (
        [str(item) for item in value if isinstance(item, (str, int, float))]
        if isinstance(value, list)
        else []
    )


def _data(config_map: Object) -> Table:
    data = _at(config_map.content, ("data",))
    return data if isinstance(data, dict) else {}


def _conf_text(entry: Entry) -> str:
    return entry.value if isinstance(entry.value, str) else ""
