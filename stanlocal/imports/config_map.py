"""The configuration in a ConfigMap or Secret: those that the server reads, with places in the file."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from stanlocal.imports.flags import NATS_FILE, STREAMING_FILE, Flag
from stanlocal.imports.import_result import Found, listing
from stanlocal.imports.objects import Object
from stanlocal.imports.server_group import combined
from stanlocal.imports.volumes import Source
from stanlocal.imports.workload import Server
from stanlocal.natsconf import ConfError, Entry, Place, Table, Value, parse

_LONGEST = 1 << 20
"""Number of characters of all configurations, each counted as often as it is read."""

Blocks = Mapping[Place, tuple[int, int]]
"""Line and column where the text of each literal block begins, by the place of its name."""
_WAY_ON = "add the ConfigMap (kubectl get configmap -o yaml) or give the stan.conf itself"


def only(candidates: Sequence[Object], found: Found) -> Source | None:
    """Return the one configuration of the ConfigMaps, for a server that is not in the file."""
    maps = [each for each in candidates if each.kind == "ConfigMap"]
    sources = [Source(each, key) for each in maps for key in each.files if key.endswith(".conf")]
    if len(sources) > 1:
        names = listing([f"{source.object.name}: {source.key}" for source in sources])
        place = sources[1].object.place
        found.problem(place, f"several configurations ({names}); leave one in the file")
    return sources[0] if sources else None


class Configurations:
    """The configurations that the servers of one file read."""

    def __init__(self, candidates: Sequence[Object], blocks: Blocks) -> None:
        self._candidates = candidates
        self._blocks = blocks
        self._left = _LONGEST
        self._read: dict[tuple[int, str, frozenset[tuple[str, str]]], tuple[Table, Place]] = {}
        """Files already read, by file and variables: all servers of a group may read the same."""

    def of(
        self,
        server: Server,
        arguments: Sequence[Flag],
        variables: Mapping[str, str],
        written: Mapping[str, str],
        found: Found,
    ) -> tuple[Table, Place]:
        """Return what the server reads and its beginning; empty without a file, and after a problem.

        `written` has the files that a script writes before it starts the server.

        As in the server, one file has both parts; with one for each, only its part of each counts.
        """
        named = [_last(arguments, names) for names in (NATS_FILE, STREAMING_FILE)]
        read = [self._file(server, flag, variables, written, found) for flag in named if flag is not None]
        if not read or found.problems:
            return {}, server.workload.place
        if len(read) == 1:
            return read[0]
        (nats, _), (streaming, start) = read
        return combined(nats, streaming, found), start

    def _file(
        self,
        server: Server,
        flag: Flag,
        variables: Mapping[str, str],
        written: Mapping[str, str],
        found: Found,
    ) -> tuple[Table, Place]:
        path = flag.value or ""
        if path in written:
            return _written(written[path], flag, variables, found)
        source = server.source(path, self._candidates)
        if flag.missing:
            source = f"a file that ${flag.missing} names, which is set neither there nor in the environment"
        if isinstance(source, Source):
            return self.read(
                source, variables, found, lambda name: _beside(server, path, name, self._candidates)
            )
        found.problem(flag.place, f"the server reads {path} from {source}; {_WAY_ON}")
        return {}, flag.place

    def read(
        self,
        source: Source,
        variables: Mapping[str, str],
        found: Found,
        beside: Callable[[str], Source | None] = lambda name: None,
    ) -> tuple[Table, Place]:
        """Return the tree and its beginning; the tree is empty after a problem, which is noted.

        `beside` finds a file that the configuration includes. Places are those in the file where the text is
        literal there, and else those in the text.
        """
        key = (id(source.object), source.key, frozenset(variables.items()))
        if key not in self._read:
            self._read[key] = self._parsed(source, variables, found, beside)
        return self._read[key]

    def _parsed(
        self,
        source: Source,
        variables: Mapping[str, str],
        found: Found,
        beside: Callable[[str], Source | None],
    ) -> tuple[Table, Place]:
        text = source.object.take_file(source.key)
        self._left -= len(text)
        if self._left < 0:
            found.problem(source.object.place, f"the configurations have more than {_LONGEST} characters")
            return {}, source.object.place
        included: dict[str, Source] = {}

        def read_include(name: str) -> str:
            held = source.object
            found_beside = beside(name) or (Source(held, name) if name in held.files else None)
            if found_beside is None:
                raise ValueError(f"it is not in {held.kind} {held.name}")
            included[name] = found_beside
            return found_beside.object.take_file(found_beside.key)

        def in_file(place: Place) -> Place:
            return self._in_file(included.get(place.file, source), place)

        try:
            conf = parse(
                text,
                source.key,
                environ=variables,
                read_include=read_include,
                missing_ok=True,
                said=lambda place, line: found.changed(in_file(place), "an option", line),
            )
        except ConfError as error:
            found.problem(in_file(error.place), error.reason)
            return {}, source.object.place
        return _moved(conf, in_file), source.object.files[source.key].place

    def _in_file(self, source: Source, place: Place) -> Place:
        held = source.object
        own = held.files[source.key].place
        if own not in self._blocks:
            return replace(place, file=f"{held.place.file} ({held.kind} {held.name}, {source.key})")
        line, column = self._blocks[own]
        return Place(held.place.file, line + place.line - 1, column + place.column - 1)


def _written(text: str, flag: Flag, variables: Mapping[str, str], found: Found) -> tuple[Table, Place]:
    """Return the tree of a file that the container's own script writes."""
    try:
        conf = parse(text, flag.value or "", environ=variables, missing_ok=True)
    except ConfError as error:
        found.problem(flag.place, f"{flag.value}:{error.place.line}: {error.reason}")
        return {}, flag.place
    return _moved(conf, lambda place: flag.place), flag.place


def _last(arguments: Sequence[Flag], names: frozenset[str]) -> Flag | None:
    return next((flag for flag in reversed(arguments) if flag.name in names and flag.value), None)


def _beside(server: Server, path: str, name: str, candidates: Sequence[Object]) -> Source | None:
    """Return the file that the configuration at `path` includes."""
    found = server.source(posixpath.join(posixpath.dirname(path), name), candidates)
    return found if isinstance(found, Source) else None


def _moved(table: Table, move: Callable[[Place], Place]) -> Table:
    return {name: Entry(_inside(each.value, move), move(each.place)) for name, each in table.items()}


def _inside(value: Value, move: Callable[[Place], Place]) -> Value:
    if isinstance(value, dict):
        return _moved(value, move)
    return [_inside(item, move) for item in value] if isinstance(value, list) else value
