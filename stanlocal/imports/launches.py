"""The servers that a script, a unit or Compose starts, as settings: which of them are one FT group.

Each server is read as it starts: its arguments, the files that these name, and its variables. Servers with
the same cluster id and FT group are the nodes of a group; what differs between them is reported.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stanlocal.imports.conf import read_conf
from stanlocal.imports.flags import NATS_FILE, STREAMING_FILE, Flag, Word, lay_over, split
from stanlocal.imports.given_files import GivenFile, GivenFiles
from stanlocal.imports.import_result import Found, listing, with_value
from stanlocal.natsconf import Entry, Place, Table, plain
from stanlocal.settings.layer import dotted
from stanlocal.settings.streaming import STREAMING

MOST_SERVERS = 64
_DEFAULT_CLUSTER = "test-cluster"
_ENCRYPTION_KEY = "NATS_STREAMING_ENCRYPTION_KEY"
_LEAST_NODES = 2


@dataclass(frozen=True, slots=True)
class Launch:
    """One server as it is started."""

    title: str
    place: Place
    arguments: Sequence[Word]
    environment: Mapping[str, str]
    read: Callable[[str], GivenFile | None]
    """Returns the file that the server reads at a path."""
    count: int = 1

    def beside(self, flag: Flag | None) -> Callable[[str], GivenFile | None]:
        """Return the reader of paths that are relative to the file that a flag names."""
        folder = posixpath.dirname(flag.value or "") if flag is not None else ""
        return lambda path: self.read(posixpath.normpath(posixpath.join(folder, path)))

    def local_file(self, path: str) -> Path | None:
        """Return the file of this machine that the server reads at a path."""
        file = self.read(path)
        return None if file is None else file.path


@dataclass(slots=True)
class _Server:
    """A server with its effective configuration."""

    launch: Launch
    conf: Table
    start: Place
    found: Found = field(default_factory=Found)

    @property
    def group(self) -> tuple[str, str]:
        """The cluster id, and the name of the FT group; empty without one."""
        return self._option("cluster_id") or _DEFAULT_CLUSTER, self._option("ft_group_name")

    def _option(self, name: str) -> str:
        own = next(
            (entry.value for each, entry in self.conf.items() if each.lower() == "streaming"), self.conf
        )
        for each, entry in own.items() if isinstance(own, dict) else ():
            option = STREAMING.find(each)
            if option is not None and option.name == name:
                return str(plain(entry.value))
        return ""


def read_launches(launches: Sequence[Launch], files: GivenFiles, found: Found) -> None:
    """Put the settings of the group into `found`; what keeps it from running is noted as problems."""
    if len(launches) > MOST_SERVERS:
        found.problem(launches[0].place, f"there are more than {MOST_SERVERS} servers")
        return
    servers = [_server(launch, files, file_store=found.file_store) for launch in launches]
    for server in servers:
        found.problems += server.found.problems
    members = _members(servers, found) if not found.problems else []
    if not members:
        return
    first, *others = members
    found.findings += first.found.findings
    found.local_file = first.launch.local_file
    read_conf(first.conf, first.start, found)
    _encryption_key(first.launch, found)
    for other in others:
        _differences(first, other, found)
    _nodes(members, found)


def _server(launch: Launch, files: GivenFiles, *, file_store: bool) -> _Server:
    found = Found(file_store=file_store)
    flags = split(launch.arguments, found)
    conf, start = _configuration(launch, flags, files, found)
    return _Server(launch, lay_over(conf, flags, found), start, found)


def _configuration(
    launch: Launch, flags: Sequence[Flag], files: GivenFiles, found: Found
) -> tuple[Table, Place]:
    """Return what the server reads: one file for both halves, or one for each."""
    named = {
        half: next((flag for flag in reversed(flags) if flag.name in names), None)
        for half, names in (("streaming", STREAMING_FILE), ("nats", NATS_FILE))
    }
    read = {half: _file(launch, flag, found) for half, flag in named.items() if flag is not None}
    if any(file is None for file in read.values()) or not read:
        return {}, launch.place
    tables = {
        half: files.configuration(file, launch.environment, found, launch.beside(named[half]))
        for half, file in read.items()
        if file
    }
    only = next(iter(tables.values()))
    starts = [file.start for file in read.values() if file]
    return (combined(tables["nats"], tables["streaming"], found) if len(tables) > 1 else only), starts[0]


def _file(launch: Launch, flag: Flag, found: Found) -> GivenFile | None:
    if flag.missing or not flag.value:
        name = f"${flag.missing}" if flag.missing else "an empty name"
        found.problem(
            flag.place, f"the server reads its configuration from {name}; write the file's name there"
        )
        return None
    file = launch.read(flag.value)
    if file is None:
        found.problem(
            flag.place,
            f"the server reads {flag.value}, which is neither given nor in this file's folder; "
            f"add the file: --from {flag.place.file} --from {flag.value}",
        )
    return file


def combined(nats: Table, streaming: Table, found: Found) -> Table:
    """Return the configuration of a server with a file for each half: of each only its own part counts."""
    own = {name: entry for name, entry in nats.items() if name.lower() != "streaming"}
    for name, entry in nats.items():
        if name.lower() == "streaming":
            found.left_out(entry.place, name, "-sc names another file, which the server reads for it")
    inner = next((entry for name, entry in streaming.items() if name.lower() == "streaming"), None)
    if inner is None:
        known = {name: entry for name, entry in streaming.items() if STREAMING.find(name)}
        place = next(iter(streaming.values())).place if streaming else Place("", 1, 1)
        inner = Entry(known, place)
    for name, entry in streaming.items():
        if entry is not inner and (not isinstance(inner.value, dict) or name not in inner.value):
            found.left_out(
                entry.place,
                with_value(name, entry.value),
                "-c names another file, which the server reads for it",
            )
    return {**own, "streaming": inner}


def _members(servers: Sequence[_Server], found: Found) -> list[_Server]:
    """Return the servers of the one group; note those of others, and a problem for several groups."""
    groups: dict[tuple[str, str], list[_Server]] = {}
    for server in servers:
        groups.setdefault(server.group, []).append(server)
    fault_tolerant = [key for key in groups if key[1]] or list(groups)
    if len(fault_tolerant) > 1 or (len(servers) > 1 and not fault_tolerant[0][1]):
        names = listing([f"{server.launch.title} ({_called(server.group)})" for server in servers])
        place = servers[1].launch.place
        found.problem(
            place,
            f"the servers are not one FT group: {names}; leave those with the same -ft_group and -cid",
        )
        return []
    chosen = fault_tolerant[0]
    for key, others in groups.items():
        for server in others if key != chosen else ():
            why = f"it is another server ({_called(key)}) than those of the group ({_called(chosen)})"
            found.left_out(server.launch.place, server.launch.title, why)
    return groups[chosen]


def _called(group: tuple[str, str]) -> str:
    cluster, name = group
    return f"cluster id {cluster}, FT group {name}" if name else f"cluster id {cluster}, no FT group"


def _encryption_key(launch: Launch, found: Found) -> None:
    """Put the key of a store that is encrypted; the server's variable counts more than its file."""
    streaming = found.values.get("streaming", {})
    key = launch.environment.get(_ENCRYPTION_KEY)
    if key and (streaming.get("encrypt") or streaming.get("encryption_key")):
        found.put(("streaming", "encryption_key"), key, launch.place)


def _differences(first: _Server, other: _Server, found: Found) -> None:
    """Note the settings in which a node of the deployment differs from the first, whose values count."""
    own = Found(file_store=found.file_store)
    read_conf(other.conf, other.start, own)
    _encryption_key(other.launch, own)
    for key in {**own.places, **found.places}:
        mine, its = _at(found.values, key), _at(own.values, key)
        if mine != its and key != ("nodes",):
            place = own.places.get(key, other.start)
            name = dotted(key)
            found.changed(
                place,
                with_value(name, its) if isinstance(its, (str, int, float)) else name,
                f"{other.launch.title} differs from {first.launch.title}, whose value all nodes take",
            )


def _at(values: object, key: Sequence[str]) -> object:
    for part in key:
        if not isinstance(values, Mapping) or part not in values:
            return None
        values = values[part]
    return values


def _nodes(members: Sequence[_Server], found: Found) -> None:
    """Put the number of nodes: that of the servers, unless one file stands for all of them."""
    first = members[0]
    count = sum(server.launch.count for server in members)
    if count >= _LEAST_NODES:
        found.put(("nodes",), count, first.launch.place)
    elif first.group[1] and found.values.get("nodes", 0) < _LEAST_NODES:
        found.put(("nodes",), _LEAST_NODES, first.launch.place)
        why = f"one server of the group is there; {_LEAST_NODES} nodes run, or as many as --nodes says"
        found.changed(first.launch.place, first.launch.title, why)
