"""systemd units: the server of `ExecStart=`, with its variables and drop-ins.

Nothing but what systemd would hand the server is read. A file that is not named `….service` is a drop-in of
the units that are given with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from stanlocal.imports.environment_file import read_environment_file
from stanlocal.imports.flags import Word
from stanlocal.imports.given_files import GivenFile, GivenFiles
from stanlocal.imports.import_result import Found, with_value
from stanlocal.imports.launches import Launch, read_launches
from stanlocal.imports.script import started_by, written
from stanlocal.imports.server_command import server_command
from stanlocal.natsconf import Place

_SECTION = re.compile(r"\[([A-Za-z][\w-]*)\]\s*")
_SECTIONS = frozenset(("Unit", "Service", "Install"))
_PREFIXES = "@-:+!"
_WORD = re.compile(r"""\s*((?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')+)""", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PIECE = re.compile(r"""(\\.)|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\\"']+)""", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "s": " "}
_VARIABLE = re.compile(r"\$\$|\$\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*)")
_SPECIFIER = re.compile(r"%(.)")
_INSTANCE = re.compile(r".*?@(.+)\.service")
_MOST_LINES = 10_000
_MOST_WORDS = 10_000
_LONGEST = 1 << 18
"""Number of characters that the variables of a command line may come to."""

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
    **dict.fromkeys(("TimeoutStopSec", "KillSignal", "KillMode"), "'stanlocal stop --timeout' says how long"),
}
_OTHER = "it is systemd's: stanlocal starts, watches and confines its nodes itself"


@dataclass(frozen=True, slots=True)
class Line:
    """One assignment of a unit."""

    section: str
    name: str
    value: str
    place: Place


@dataclass(slots=True)
class _Service:
    """The lines of a unit and of its drop-ins, together."""

    starts: list[Line] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    files: list[Line] = field(default_factory=list)
    folder: str = ""
    others: list[Line] = field(default_factory=list)


def is_unit(text: str) -> bool:
    """Return whether the text is a unit, or a drop-in of one: its first line names a section of units."""
    for line in text[:_LONGEST].splitlines():
        if line.strip() and line.strip()[0] not in "#;":
            match = _SECTION.fullmatch(line.strip())
            return match is not None and match[1] in _SECTIONS
    return False


def read_units(
    units: Sequence[GivenFile], files: GivenFiles, environ: Mapping[str, str], found: Found
) -> None:
    """Put the settings of the servers that the units start into `found`.

    systemd hands its services no variables of the caller, so `environ` is not used.
    """
    whole = [unit for unit in units if unit.name.endswith(".service")] or list(units[:1])
    drop_ins = [unit for unit in units if unit not in whole]
    launches: list[Launch] = []
    for unit in whole:
        service = _Service()
        for file in (unit, *drop_ins):
            for line in _lines(file, found):
                _apply(service, line)
        launches += _launches(unit, service, files, found)
        for line in service.others:
            what = with_value(f"{line.section}.{line.name}", line.value)
            found.left_out(line.place, what, _REASONS.get(line.name, _OTHER))
    if found.problems:
        return
    if not launches:
        found.problem(
            units[0].start, "this unit starts no nats-streaming-server: its ExecStart= runs another"
        )
        return
    read_launches(launches, files, found)


def _lines(file: GivenFile, found: Found) -> Iterator[Line]:
    """Yield the assignments of the file, continued lines joined."""
    section, begun, number = "", "", 0
    place = file.start
    rows = file.text.splitlines()
    if len(rows) > _MOST_LINES:
        found.problem(file.start, f"there are more than {_MOST_LINES} lines")
        return
    parts: list[str] = []
    for number, row in enumerate(rows, 1):
        text = row.strip()
        if text[:1] in ("#", ";") or (not text and not parts):
            continue
        if not parts:
            place = Place(file.name, number, 1)
        parts.append(text.removesuffix("\\"))
        if text.endswith("\\"):
            continue
        begun, parts = " ".join(parts), []
        if match := _SECTION.fullmatch(begun):
            section = match[1]
            continue
        name, equals, value = begun.partition("=")
        if not equals:
            found.problem(place, "this line of the unit is neither a section nor NAME=value")
            return
        yield Line(section, name.strip(), value.strip(), place)


def _apply(service: _Service, line: Line) -> None:
    """Add a line to what came before; an empty value takes back the earlier ones, as systemd has it."""
    if line.section != "Service":
        if line.section != "Install" and line.name not in ("Description", "Documentation"):
            service.others.append(line)
    elif line.name == "ExecStart":
        service.starts = [*service.starts, line] if line.value else []
    elif line.name == "Environment":
        if not line.value:
            service.variables.clear()
        for word in _words(line.value):
            name, equals, value = word.partition("=")
            if equals:
                service.variables[name] = value
    elif line.name == "EnvironmentFile":
        service.files = [*service.files, line] if line.value else []
    elif line.name == "WorkingDirectory":
        service.folder = line.value
    elif line.name not in ("Type", "UnsetEnvironment"):
        service.others.append(line)


def _launches(unit: GivenFile, service: _Service, files: GivenFiles, found: Found) -> Iterator[Launch]:
    variables = {**service.variables, **_from_files(unit, service, files, found)}
    for line in service.starts:
        value = line.value
        prefix = value[: len(value) - len(value.lstrip(_PREFIXES))]
        own = {} if ":" in prefix else variables
        expanded = _expanded(value[len(prefix) :], unit, own, line, ":" in prefix)
        words = list(islice(expanded, _MOST_WORDS + 1))
        if len(words) > _MOST_WORDS:
            found.problem(line.place, f"the command line has more than {_MOST_WORDS} words")
            return
        if "@" in prefix:
            del words[1:2]  # the name that the process is shown under
        yield from _started(words, line, unit, variables, files, found)


def _started(
    words: Sequence[Word],
    line: Line,
    unit: GivenFile,
    variables: Mapping[str, str],
    files: GivenFiles,
    found: Found,
) -> Iterator[Launch]:
    """Yield each server that the words start, by themselves or through a shell."""

    def read(path: str) -> GivenFile | None:
        return files.find(path, unit)

    command = server_command(words)
    if command is not None:
        own = command.environment if command.in_container else {**variables, **command.environment}
        yield Launch(
            unit.name, line.place, command.arguments, own, lambda path: read(command.on_machine(path))
        )
    elif (shell := started_by(words, variables, read, found)) is not None:
        for started in shell.servers:
            yield Launch(
                unit.name,
                line.place,
                started.command.arguments,
                started.environment,
                lambda path: written(path, shell, unit) or read(path),
            )


def _from_files(unit: GivenFile, service: _Service, files: GivenFiles, found: Found) -> dict[str, str]:
    """Return the variables of the files, which count more than those of the unit."""
    variables: dict[str, str] = {}
    for line in service.files:
        path = line.value.removeprefix("-")
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


def _words(text: str) -> Iterator[str]:
    """Yield the words of a value, without their quotes."""
    for match in _WORD.finditer(text):
        yield _plain(match[1])


def _plain(word: str) -> str:
    return "".join(
        each[4] or _ESCAPED.sub(lambda one: _ESCAPES.get(one[1], one[1]), each[2] or each[3] or each[1] or "")
        for each in _PIECE.finditer(word)
    )


def _expanded(
    text: str, unit: GivenFile, variables: Mapping[str, str], line: Line, literal: bool
) -> Iterator[Word]:
    """Yield the words with variables as systemd has them: `$NAME` alone is split, `${NAME}` is not."""
    left = _LONGEST
    for match in _WORD.finditer(text):
        raw, missing = _specified(_plain(match[1]), unit)
        only = re.fullmatch(r"\$([A-Za-z_]\w*)", raw)
        if only and not literal:
            value = variables.get(only[1])
            if value is None:  # systemd leaves the word out
                yield Word("?", line.place, only[1])
            left -= len(value or "")
            yield from (Word(word, line.place) for word in _words(value or "") if left >= 0)
            continue

        def replaced(each: re.Match[str]) -> str:
            nonlocal missing, left
            name = each[1] or each[2]
            if each[0] == "$$":
                return "$"
            if each[2]:  # within a word only the braced form counts
                return each[0]
            value = variables.get(name, "")
            missing = missing or ("" if name in variables else name)
            left -= len(value)
            return value if left >= 0 else ""

        yield Word(raw if literal else _VARIABLE.sub(replaced, raw), line.place, missing)


def _specified(word: str, unit: GivenFile) -> tuple[str, str]:
    """Return the word with `%%` and the instance filled in, and the first specifier that is unknown."""
    missing = ""
    instance = _INSTANCE.fullmatch(unit.name.rpartition("/")[2])

    def replaced(match: re.Match[str]) -> str:
        nonlocal missing
        if match[1] == "%":
            return "%"
        if match[1] in "iI" and instance is not None:
            return instance[1]
        missing = missing or f"%{match[1]}"
        return "?"

    return _SPECIFIER.sub(replaced, word), missing
