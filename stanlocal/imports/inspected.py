"""The output of `docker inspect` and `podman inspect`: the containers that run the server."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from stanlocal.errors import SettingsError
from stanlocal.imports.container_run import container_words, on_machine
from stanlocal.imports.flags import Word
from stanlocal.imports.given_files import GivenFile, GivenFiles
from stanlocal.imports.import_result import Found, listing
from stanlocal.imports.launches import Launch, read_launches
from stanlocal.imports.script import launches
from stanlocal.imports.server_command import base
from stanlocal.imports.server_group import MOST_SERVERS
from stanlocal.imports.walk import Path, leave_rest
from stanlocal.imports.yamltree import YamlText, YamlTree
from stanlocal.natsconf import Entry, Place, Table, Value

_BEGIN = re.compile(r"\s*(?:\[\s*)?\{")
_CONFIG = re.compile(r'"Config"\s*:')
_START_SCRIPT = "docker-entrypoint.sh"
"""Entrypoint of the server's image, which starts the server with the arguments."""
_SHOWN: tuple[Path, ...] = (
    *(("Config", name) for name in ("User", "Healthcheck", "Image")),
    *(("HostConfig", name) for name in ("Binds", "Mounts", "PortBindings", "NetworkMode", "RestartPolicy")),
    *(("HostConfig", name) for name in ("Memory", "NanoCpus", "CpuQuota", "CpuShares", "CpusetCpus")),
    *(("HostConfig", name) for name in ("CapAdd", "CapDrop", "Privileged", "ReadonlyRootfs", "SecurityOpt")),
)
"""Values that somebody has chosen; all others are the engine's, or say the same again."""
_WATCHED = "stanlocal starts and watches its nodes itself; 'stanlocal up --attach' restarts dead ones"
_STORE = "the store is a folder of this machine; choose it with --store-dir"
_LIMITS = "nodes take what this machine has"
_CONFINED = "nodes run as the caller, without capabilities, on a read-only system"
_REASONS: Mapping[Path, str] = {
    ("Config", "Image"): "an image is code, which a file cannot choose; take it with --image",
    ("Config", "Healthcheck"): _WATCHED,
    ("HostConfig", "RestartPolicy"): _WATCHED,
    **{("HostConfig", name): _STORE for name in ("Binds", "Mounts")},
    ("HostConfig", "PortBindings"): "client and monitor ports are published on 127.0.0.1; choose with --port",
    ("HostConfig", "NetworkMode"): "the nodes have a network of their own",
    **{("HostConfig", n): _LIMITS for n in ("Memory", "NanoCpus", "CpuQuota", "CpuShares", "CpusetCpus")},
    ("Config", "User"): _CONFINED,
    **{
        ("HostConfig", name): _CONFINED
        for name in ("CapAdd", "CapDrop", "Privileged", "ReadonlyRootfs", "SecurityOpt")
    },
}
_USUAL = ("", "0", "no", "default", "bridge")
"""Values, as text, of an option that was not chosen."""


def is_inspected(file: GivenFile) -> bool:
    """Return whether the text is what `docker inspect` prints of containers, images or networks."""
    if _BEGIN.match(file.text) is None or _CONFIG.search(file.text) is None:
        return False
    try:
        return any("Id" in table and "Config" in table for table, _ in _inspected(file))
    except SettingsError:
        return False


def read_inspected(
    given: Sequence[GivenFile], files: GivenFiles, environ: Mapping[str, str], found: Found
) -> None:
    """Put the settings of the containers that run the server into `found`."""
    servers: list[Launch] = []
    for file in given:
        for table, place in _inspected(file):
            started = list(_launches(table, place, file, files, found))
            servers += started
            if len(servers) > MOST_SERVERS:
                break
            if started:
                leave_rest(_chosen(table), _title(table), (), _REASONS, found)
            elif not found.problems:
                found.left_out(place, _title(table), _other(table))
    if not servers and not found.problems:
        found.problem(given[0].start, "none of these containers runs nats-streaming-server")
    if not found.problems:
        read_launches(servers, files, found)


def _inspected(file: GivenFile) -> Iterator[tuple[Table, Place]]:
    """Yield what was inspected: the items of a list, or one on each line, as `--format json` prints them."""
    text = file.yaml
    if file.text.lstrip().startswith("{") and (lines := file.text.strip().split("\n{"))[1:]:
        text = YamlText("".join(f"- {'{' if at else ''}{line}\n" for at, line in enumerate(lines)), file.name)
    for document in YamlTree(text).documents():
        values = document.value if isinstance(document.value, list) else [document.value]
        for value in values:
            if isinstance(value, dict):
                yield value, next((each.place for each in value.values()), document.place)


def _launches(
    table: Table, place: Place, file: GivenFile, files: GivenFiles, found: Found
) -> Iterator[Launch]:
    config = _table(table, "Config")
    if "HostConfig" not in table:
        return
    own, given = ([Word(text, place) for text in _texts(config, name)] for name in ("Entrypoint", "Cmd"))
    by_script = bool(own) and base(own[0].text) == _START_SCRIPT
    image = Word(_text(config, "Image"), place)
    words = container_words(image, None if by_script else own, [*own[1:], *given] if by_script else given)
    if not words:
        return
    pairs = [text.partition("=") for text in _texts(config, "Env")]
    mounts = [
        (_text(mount, "Source"), _text(mount, "Destination"))
        for mount in _tables(table, "Mounts")
        if _text(mount, "Type") == "bind"
    ]

    def read(path: str) -> GivenFile | None:
        inside = posixpath.normpath(posixpath.join("/", _text(config, "WorkingDir"), path))
        return files.find(on_machine(inside, mounts), file)

    environment = {name: value for name, _, value in pairs}
    for each in launches(words, _title(table), environment, read, file, found):
        yield replace(each, place=place)


def _title(table: Table) -> str:
    name = _text(table, "Name").removeprefix("/") or listing(_texts(table, "RepoTags")) or _text(table, "Id")
    return f"container {name}" if "HostConfig" in table else name


def _other(table: Table) -> str:
    return "it does not run nats-streaming" if "HostConfig" in table else "it is no container"


def _chosen(table: Table) -> Table:
    """Return the part of a container's description that somebody has chosen."""
    chosen: Table = {}
    for section, name in _SHOWN:
        entry = _table(table, section).get(name)
        value = None if entry is None else entry.value
        if isinstance(value, dict):
            usual = not value or _text(value, "Name") in ("no", "default")
        else:
            usual = not value or str(value) in _USUAL
        if entry is not None and not usual:
            inner = chosen.setdefault(section, Entry({}, entry.place)).value
            assert isinstance(inner, dict)
            inner[name] = entry
    return chosen


def _table(table: Table, name: str) -> Table:
    value = table[name].value if name in table else None
    return value if isinstance(value, dict) else {}


def _tables(table: Table, name: str) -> list[Table]:
    value = table[name].value if name in table else None
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(table: Table, name: str) -> str:
    value: Value | None = table[name].value if name in table else None
    return value if isinstance(value, str) else ""


def _texts(table: Table, name: str) -> list[str]:
    """Return the words of a list; podman's entrypoint may be a single one."""
    value = table[name].value if name in table else None
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, str) and each]
