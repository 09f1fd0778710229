"""The configuration in a ConfigMap: the one that the server reads, with places in the file."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from stanlocal.imports.flags import CONFIG_FLAGS, Flag
from stanlocal.imports.import_result import Found, listing
from stanlocal.imports.objects import Object, at, data, listed, text
from stanlocal.imports.workload import Server
from stanlocal.natsconf import ConfError, Entry, Place, Table, Value, parse

Blocks = Mapping[Place, tuple[int, int]]
"""Line and column where the text of each literal block begins, by the place of its name."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file in a ConfigMap."""

    config_map: Object
    key: str


def find(
    objects: Sequence[Object], server: Server | None, arguments: Sequence[Flag], found: Found
) -> Source | None:
    """Return the file that the server reads; None when it has arguments only, or with a problem noted."""
    maps = [each for each in objects if each.kind == "ConfigMap"]
    named = next((flag for flag in arguments if flag.name in CONFIG_FLAGS and flag.value), None)
    if server is not None and named is not None:
        return _mounted(maps, server, named, found)
    sources = [Source(each, key) for each in maps for key in data(each) if key.endswith(".conf")]
    if len(sources) > 1:
        names = listing([f"{source.config_map.name}: {source.key}" for source in sources])
        place = sources[1].config_map.place
        found.problem(place, f"several configurations ({names}); leave one in the file")
    return sources[0] if sources else None


def _mounted(maps: Sequence[Object], server: Server, named: Flag, found: Found) -> Source | None:
    folder, key = posixpath.split(named.value or "")
    wanted = _map_at(server, folder)
    for each in maps:
        if each.name == wanted and key in data(each):
            return Source(each, key)
    source = f"ConfigMap {wanted}" if wanted else "a volume that is no ConfigMap"
    found.problem(
        named.place,
        f"the server reads {named.value} from {source}, which is not in this file; add the ConfigMap "
        "(kubectl get configmap -o yaml) or give the stan.conf itself",
    )
    return None


def _map_at(server: Server, folder: str) -> str | None:
    """Return the name of the ConfigMap that is mounted at `folder`."""
    place = server.workload.place
    mounts = [entry.value for _, entry in listed(server.content, ("volumeMounts",), place)]
    names = {
        text(mount, "name")
        for mount in mounts
        if isinstance(mount, dict) and posixpath.normpath(text(mount, "mountPath") or "?") == folder
    }
    for _, entry in listed(server.workload.content, (*server.pod, "volumes"), place):
        if isinstance(entry.value, dict) and text(entry.value, "name") in names:
            name = at(entry.value, ("configMap", "name"))
            return name if isinstance(name, str) else None
    return None


def read(source: Source, blocks: Blocks, environ: Mapping[str, str], found: Found) -> tuple[Table, Place]:
    """Return the tree and its beginning; the tree is empty after a problem, which is noted.

    Places are those in the file where the text is literal there, and else those in the text.
    """
    config_map = source.config_map
    files = data(config_map)
    config_map.taken.append(("data", source.key))

    def read_include(path: str) -> str:
        if path not in files:
            raise ValueError(f"it is not in ConfigMap {config_map.name}")
        config_map.taken.append(("data", path))
        return _content(files[path])

    def in_file(place: Place) -> Place:
        own = files.get(place.file)
        if own is None or own.place not in blocks:
            return replace(place, file=f"{config_map.place.file} (ConfigMap {config_map.name}, {place.file})")
        line, column = blocks[own.place]
        return Place(config_map.place.file, line + place.line - 1, column + place.column - 1)

    try:
        conf = parse(
            _content(files[source.key]),
            source.key,
            environ=environ,
            read_include=read_include,
            missing_ok=True,
            said=lambda place, line: found.changed(in_file(place), "an option", line),
        )
    except ConfError as error:
        found.problem(in_file(error.place), error.reason)
        return {}, config_map.place
    return _moved(conf, in_file), files[source.key].place


def _moved(table: Table, move: Callable[[Place], Place]) -> Table:
    return {name: Entry(_inside(each.value, move), move(each.place)) for name, each in table.items()}


def _inside(value: Value, move: Callable[[Place], Place]) -> Value:
    if isinstance(value, dict):
        return _moved(value, move)
    return [_inside(item, move) for item in value] if isinstance(value, list) else value


def _content(entry: Entry) -> str:
    return entry.value if isinstance(entry.value, str) else ""
