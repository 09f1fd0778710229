"""systemd units: the server of `ExecStart=`, with its variables and drop-ins, and Podman's quadlets.

Nothing but what systemd would hand the server is read. A file that is named as no unit is a drop-in of the
unit whose folder it is in, or else of all that are given with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from stanlocal.imports import quadlet, unit_file
from stanlocal.imports.environment_file import read_environment_file
from stanlocal.imports.flags import Word
from stanlocal.imports.given_files import GivenFile, GivenFiles
from stanlocal.imports.import_result import Found, shortened, with_value
from stanlocal.imports.launches import Launch, read_launches
from stanlocal.imports.script import launches
from stanlocal.imports.unit_file import Line

_SECTIONS = frozenset(
    ("Unit", "Service", "Install", "Container", "Kube", "Pod", "Volume", "Network", "Image", "Build")
)
_RUNS = (".service", ".container")
"""Suffixes of the units that may run a server."""
_OTHER_UNITS = (".socket", ".timer", ".target", ".path", ".mount", ".slice", ".volume", ".network", ".pod")
_YAML = re.compile(r"^Yaml=(\S+)", re.MULTILINE)
_PREFIXES = "@-:+!"
_MOST_WORDS = 10_000

_REASONS = {
    **dict.fromkeys(("User", "Group", "DynamicUser"), "nodes run as the caller"),
    **dict.fromkeys(
        ("Restart", "RestartSec", "StartLimitBurst"), "'stanlocal up --attach' restarts dead nodes"
    ),
    **dict.fromkeys(
        ("ExecStartPre", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost", "PIDFile"),
        "a file cannot make anything run",
    ),
    **dict.fromkeys(
        ("LimitNOFILE", "LimitCORE", "MemoryMax", "CPUQuota"), "nodes take what this machine has"
    ),
    **dict.fromkeys(
        ("StandardOutput", "StandardError", "SyslogIdentifier"), "'stanlocal logs' shows the lines"
    ),
    **dict.fromkeys(
        ("PublishPort", "ExposeHostPort"),
        "client and monitor ports are published on 127.0.0.1; choose with --port",
    ),
    **dict.fromkeys(("Network", "HostName", "DNS", "Pod", "IP"), "the nodes have a network of their own"),
    "Image": "an image is code, which a file cannot choose; take it with --image",
    **dict.fromkeys(("TimeoutStopSec", "KillSignal", "KillMode"), "'stanlocal stop --timeout' says how long"),
}
_OTHER = "it is systemd's: stanlocal starts, watches and confines its nodes itself"


@dataclass(slots=True)
class _Service:
    """The lines of a unit and of its drop-ins, together."""

    starts: list[Line] = field(default_factory=list)
    before: list[Line] = field(default_factory=list)
    """Commands that run before, which may write files."""
    container: list[Line] = field(default_factory=list)
    """Lines of the container that a quadlet describes."""
    variables: dict[str, str] = field(default_factory=dict)
    files: list[Line] = field(default_factory=list)
    others: list[Line] = field(default_factory=list)


def is_unit(text: str) -> bool:
    """Return whether the text is a unit, or a drop-in of one: its first line names a section of units."""
    return unit_file.first_section(text) in _SECTIONS


def read_units(
    units: Sequence[GivenFile], files: GivenFiles, environ: Mapping[str, str], found: Found
) -> None:
    """Put the settings of the servers that the units start into `found`.

    systemd hands its services no variables of the caller, so `environ` is not used.
    """
    whole = [unit for unit in units if unit.name.endswith(_RUNS)]
    others = [unit for unit in units if unit not in whole]
    if not whole:
        whole, others = others[:1], others[1:]
    servers: list[Launch] = []
    for unit in whole:
        service = _Service()
        drop_ins = [file for file in others if _changes(file, unit)]
        known = {file.name for file in units}
        beside = [file for file in files.in_folder(f"{unit.name}.d", "*.conf") if file.name not in known]
        for file in (unit, *drop_ins, *beside):
            for line in unit_file.lines(file, found):
                _apply(service, line, unit)
        started = list(_launches(unit, service, files, found))
        servers += started
        for line in service.others if started else ():
            what = with_value(f"{line.section}.{line.name}", line.value)
            found.left_out(line.place, what, _REASONS.get(line.name, _OTHER))
        if not started:
            found.left_out(unit.start, "the whole unit", "it starts no nats-streaming-server")
    for file in others:
        if not any(_changes(file, unit) for unit in whole):
            found.left_out(file.start, "the whole unit", "it starts no nats-streaming-server")
    if found.problems:
        return
    if not servers:
        found.problem(units[0].start, _no_server(units[0]))
        return
    read_launches(servers, files, found)


def _no_server(unit: GivenFile) -> str:
    yaml = _YAML.search(unit.text[: unit_file.LONGEST])
    if yaml is not None:
        return f"this unit runs the Kubernetes objects of {shortened(yaml[1])}; give that file"
    return "this unit starts no nats-streaming-server: its ExecStart= or image runs another"


def _changes(file: GivenFile, unit: GivenFile) -> bool:
    """Return whether a file is a drop-in of the unit, which its folder may say."""
    if file.name.endswith(_OTHER_UNITS):
        return False
    folder = file.folder.name if file.path is not None else ""
    if not folder.endswith(".d"):
        return True
    name = unit.name.rpartition("/")[2]
    template = re.sub(r"@[^.]*", "@", name)
    prefixes = re.sub(r"-[^-]*(?=\.\w+$)", "-", name)
    return folder in {f"{each}.d" for each in (name, template, prefixes, name.rpartition(".")[2])}


def _apply(service: _Service, line: Line, unit: GivenFile) -> None:
    """Add a line to the service; as in systemd, an empty value takes back the earlier ones."""
    if line.section == "Container":
        service.container.append(line)
    elif line.section != "Service":
        if line.section != "Install" and line.name not in ("Description", "Documentation"):
            service.others.append(line)
    elif line.name == "ExecStart":
        service.starts = [*service.starts, line] if line.value else []
    elif line.name == "Environment":
        if not line.value:
            service.variables.clear()
        for word in unit_file.expanded(line.value, unit, {}, line, literal=True):
            name, equals, value = word.text.partition("=")
            service.variables.pop(name, None)
            if equals and not word.missing:
                service.variables[name] = value
    elif line.name == "EnvironmentFile":
        service.files = [*service.files, line] if line.value else []
    elif line.name not in ("Type", "UnsetEnvironment", "WorkingDirectory"):
        service.others.append(line)
        if line.name in ("ExecStartPre", "ExecCondition"):
            service.before.append(line)


def _launches(unit: GivenFile, service: _Service, files: GivenFiles, found: Found) -> Iterator[Launch]:
    variables = {**service.variables, **_from_files(unit, service, files, found)}
    before = [_words(line, unit, variables, found) for line in service.before]
    commands = [_words(line, unit, variables, found) for line in service.starts]
    if service.container:
        commands.append(quadlet.command(service.container, unit, variables))
        service.others += [line for line in service.container if line.name not in quadlet.TAKEN]
    for words in commands:
        if words:
            yield from launches(
                words, unit.name, variables, lambda path: files.find(path, unit), unit, found, before
            )


def _words(line: Line, unit: GivenFile, variables: Mapping[str, str], found: Found) -> Sequence[Word]:
    """Return the words of a command line, without systemd's own prefixes."""
    value = line.value
    prefix = value[: len(value) - len(value.lstrip(_PREFIXES))]
    literal = ":" in prefix
    given = unit_file.expanded(
        value[len(prefix) :], unit, {} if literal else variables, line, literal=literal
    )
    words = list(islice(given, _MOST_WORDS + 1))
    if len(words) > _MOST_WORDS:
        found.problem(line.place, f"the command line has more than {_MOST_WORDS} words")
        return []
    if "@" in prefix:
        del words[1:2]  # the name that the process is shown under
    return words


def _from_files(unit: GivenFile, service: _Service, files: GivenFiles, found: Found) -> dict[str, str]:
    """Return the variables of the files, which count more than those of the unit."""
    variables: dict[str, str] = {}
    for line in service.files:
        given = unit_file.expanded(line.value, unit, {}, line, literal=True)
        path = next((word.text for word in given), "").removeprefix("-")
        file = files.find(path, unit)
        if file is not None:
            variables |= read_environment_file(file.text)
        elif line.value.startswith("-"):
            found.left_out(
                line.place, f"EnvironmentFile={line.value}", "it is not there, which systemd allows"
            )
        else:
            found.problem(
                line.place,
                f"the unit reads variables from {path}, which is neither given nor in this file's folder; "
                f"add the file: --from {line.place.file} --from {path}",
            )
    return variables
