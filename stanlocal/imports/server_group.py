"""Several servers of a deployment, each with its configuration: which of them are one FT group.

Servers with the same cluster id and FT group are the nodes of a group; what differs between them is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stanlocal.imports.conf import read_conf
from stanlocal.imports.import_result import Found, listing, with_value
from stanlocal.natsconf import Entry, Place, Table, plain
from stanlocal.settings.layer import Key, dotted
from stanlocal.settings.presets import DEFAULTS
from stanlocal.settings.streaming import STREAMING

MOST_SERVERS = 64
ENCRYPTION_KEY = "NATS_STREAMING_ENCRYPTION_KEY"
_CLUSTER_ID = "test-cluster"
"""The server's own default."""


@dataclass(frozen=True, slots=True)
class ServerConfiguration:
    """A server, or several alike, with the configuration from its files and arguments."""

    title: str
    place: Place
    conf: Table
    start: Place
    found: Found = field(default_factory=Found)
    """Results of reading it: problems, findings and secrets of its environment."""
    count: int | None = None
    """Number of servers; None if the file does not have it."""
    count_place: Place | None = None
    key: tuple[str | None, Place] | None = None
    """Key of an encrypted store among its variables, None if the file has not its value; and its place."""
    local_file: Callable[[str], Path | None] | None = None
    """Returns the file of this machine that the server reads at a path; None if it has none."""

    @property
    def group(self) -> tuple[str, str]:
        """The cluster id, and the name of the FT group; empty without one."""
        return self.option("cluster_id") or _CLUSTER_ID, self.option("ft_group_name")

    def option(self, name: str) -> str:
        """Return the streaming server's option of this name as text; empty if it is not set."""
        inner = next((entry.value for each, entry in self.conf.items() if each.lower() == "streaming"), None)
        for each, entry in (inner if isinstance(inner, dict) else self.conf).items():
            option = STREAMING.find(each)
            if option is not None and option.name == name:
                return str(plain(entry.value))
        return ""


def combined(nats: Table, streaming: Table, found: Found) -> Table:
    """Return the configuration of a server with a file for each part: of each file only its part counts."""
    merged: Table = {}
    for name, entry in nats.items():
        if name.lower() == "streaming":
            why = "-sc names another file for it, and the server ignores it here"
            found.left_out(entry.place, name, why)
        else:
            merged[name] = entry
    section = next((name for name in streaming if name.lower() == "streaming"), None)
    if section is None:
        own = {name: entry for name, entry in streaming.items() if STREAMING.find(name)}
        place = next((entry.place for entry in streaming.values()), Place("?", 1, 1))
    else:
        own, place = {section: streaming[section]}, streaming[section].place
    for name, entry in streaming.items():
        if name not in own:
            why = "-c names another file for the NATS server, which ignores it here"
            found.left_out(entry.place, with_value(name, entry.value), why)
    merged["streaming"] = Entry(own, place) if section is None else streaming[section]
    return merged


def read_group(servers: Sequence[ServerConfiguration], found: Found) -> list[ServerConfiguration]:
    """Put the settings of the one group into `found`, and return its servers; none after a problem."""
    if len(servers) > MOST_SERVERS:
        found.problem(servers[0].place, f"there are more than {MOST_SERVERS} servers")
        return []
    for server in servers:
        found.problems += server.found.problems
    members = [] if found.problems else _members(servers, found)
    if not members:
        return []
    first, *others = members
    _nodes(members, found)
    _put(first, found)
    if not found.has(("nodes",)):
        why = f"one server is there; {DEFAULTS['nodes']} nodes run, or as many as --nodes says"
        found.changed(first.place, first.title, why)
    for other in others:
        if (other.conf, other.key) != (first.conf, first.key):
            _note_differences(first, other, found)
    return members


def _put(server: ServerConfiguration, found: Found) -> None:
    found.findings += server.found.findings
    found.needs += server.found.needs
    if server.local_file is not None:
        found.local_file = server.local_file
    read_conf(server.conf, server.start, found)
    _put_key(server, found)


def _put_key(server: ServerConfiguration, found: Found) -> None:
    """Put the key of a store that is encrypted; the server's variable counts more than its file."""
    streaming = found.values.get("streaming", {})
    if server.key is None or not (streaming.get("encrypt") or streaming.get("encryption_key")):
        return
    value, place = server.key
    if value:
        found.put(("streaming", "encryption_key"), value, place)
    elif value is None:
        streaming.pop("encryption_key", None)
        found.put(("streaming", "encrypt"), True, place)


def _members(servers: Sequence[ServerConfiguration], found: Found) -> list[ServerConfiguration]:
    """Return the servers of the one group; note those of others, and a problem for several groups."""
    groups: dict[tuple[str, str], list[ServerConfiguration]] = {}
    for server in servers:
        groups.setdefault(server.group, []).append(server)
    tolerant = [key for key in groups if key[1]] or list(groups)
    if len(tolerant) > 1 or (len(servers) > 1 and not tolerant[0][1]):
        names = listing([f"{server.title} ({_called(server.group)})" for server in servers])
        why = f"the servers are not one FT group: {names}; leave those with the same FT group and cluster id"
        found.problem(servers[1].place, why)
        return []
    for key, others in groups.items():
        for server in others if key != tolerant[0] else ():
            why = f"it is another server ({_called(key)}) than the group's ({_called(tolerant[0])})"
            found.left_out(server.place, server.title, why)
    return groups[tolerant[0]]


def _called(group: tuple[str, str]) -> str:
    cluster, name = group
    return f"cluster id {cluster}, FT group {name}" if name else f"cluster id {cluster}, no FT group"


def _nodes(members: Sequence[ServerConfiguration], found: Found) -> None:
    """Put the number of nodes where the deployment has it; one server alone is no group."""
    fewest: int = DEFAULTS["nodes"]
    first, *others = members
    if others:
        nodes = max(sum(1 if server.count is None else server.count for server in members), fewest)
        found.put(("nodes",), nodes, first.place)
        names = listing([server.title for server in members])
        found.changed(first.place, names, f"{nodes} nodes of one FT group run, or as many as --nodes says")
    elif first.count is not None:
        found.put(("nodes",), first.count or fewest, first.count_place or first.place)
        if not first.count:
            found.changed(
                first.place, first.title, f"it is scaled to 0; {fewest} nodes run, or as many as --nodes says"
            )


def _note_differences(first: ServerConfiguration, other: ServerConfiguration, found: Found) -> None:
    """Note the settings in which a node of the deployment differs from the first, whose values count."""
    own = Found(file_store=found.file_store)
    own.put(("nodes",), 1, other.place)
    _put(other, own)
    found.problems += own.problems
    for key in _keys(own, found):
        mine, its = _at(found.values, key), _at(own.values, key)
        if mine != its:
            what = with_value(dotted(key), its) if isinstance(its, (str, int, float)) else dotted(key)
            why = f"{other.title} differs from {first.title}, whose value all nodes take"
            found.changed(own.places.get(key, other.start), what, why)


def _keys(own: Found, found: Found) -> Iterator[Key]:
    return (key for key in {**own.places, **found.places} if key != ("nodes",))


def _at(values: object, key: Key) -> object:
    for part in key:
        if not isinstance(values, Mapping) or part not in values:
            return None
        values = values[part]
    return values
