"""Configurations of supervisord: the servers that its programs run, as many as each starts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from stanlocal.imports import unit_file
from stanlocal.imports.flags import Word
from stanlocal.imports.given_files import GivenFile, GivenFiles
from stanlocal.imports.import_result import Found, with_value
from stanlocal.imports.launches import Launch, read_launches
from stanlocal.imports.script import launches
from stanlocal.imports.server_group import MOST_SERVERS
from stanlocal.imports.unit_file import Line

_SECTION = re.compile(
    r"supervisord|supervisorctl|unix_http_server|inet_http_server|include"
    r"|(?:program|fcgi-program|group|eventlistener|rpcinterface):.*"
)
_EXPANSION = re.compile(r"%(?:\((\w+)\)(0?[0-9]?)[sd]|%)")
_UNKNOWN = "\x00"
"""Character around the name of an expansion whose value is unknown."""
_PAIR = re.compile(r"""(?:^|(?<=,))\s*([^=,\s]+)\s*=\s*("[^"]*"|'[^']*'|[^,]*)\s*(?:,|$)""")
_LONGEST_COMMAND = 1 << 14
"""Number of characters of a command line."""
_OTHER = "stanlocal starts and watches its nodes itself; 'stanlocal up --attach' restarts dead ones"
_REASONS = {
    "user": "nodes run as the caller",
    "directory": "the store is a folder of this machine; choose it with --store-dir",
    **dict.fromkeys(
        ("stdout_logfile", "stderr_logfile", "redirect_stderr", "stdout_logfile_maxbytes"),
        "'stanlocal logs' shows the lines",
    ),
    **dict.fromkeys(("stopsignal", "stopwaitsecs"), "'stanlocal stop --timeout' says how long"),
}
_TAKEN = frozenset(("command", "environment", "numprocs", "numprocs_start", "process_name", "autostart"))


@dataclass(slots=True)
class _Sections:
    """The sections of all files, by name."""

    lines: dict[str, dict[str, Line]] = field(default_factory=dict)
    files: dict[str, GivenFile] = field(default_factory=dict)

    def add(self, line: Line, file: GivenFile) -> None:
        self.lines.setdefault(line.section, {})[line.name] = line
        self.files[line.section] = file


def is_supervisor(text: str) -> bool:
    """Return whether the text is a configuration of supervisord, by its first section."""
    return _SECTION.fullmatch(unit_file.first_section(text)) is not None


def read_supervisor(
    given: Sequence[GivenFile], files: GivenFiles, environ: Mapping[str, str], found: Found
) -> None:
    """Put the settings of the servers that the programs run into `found`."""
    sections = _Sections()
    for file in given:
        for line in unit_file.lines(file, found, indented=True):
            sections.add(line, file)
    for file in _included(sections, files, {file.name for file in given}):
        for line in unit_file.lines(file, found, indented=True):
            sections.add(line, file)
    if found.problems:
        return
    own = sections.lines.get("supervisord", {}).get("environment")
    variables = {**environ, **(_pairs(own.value) if own is not None else {})}
    servers: list[Launch] = []
    for section, lines in sections.lines.items():
        kind, _, name = section.partition(":")
        if kind not in ("program", "fcgi-program") or "command" not in lines:
            continue
        if len(servers) > MOST_SERVERS:
            break
        started = list(_launches(name, lines, variables, sections.files[section], files, found))
        servers += started
        for line in lines.values() if started else ():
            if line.name not in _TAKEN:
                what = with_value(f"{section} {line.name}", line.value)
                found.left_out(line.place, what, _REASONS.get(line.name, _OTHER))
        if not started:
            found.left_out(lines["command"].place, f"program {name}", "it runs no nats-streaming-server")
    if not servers and not found.problems:
        found.problem(given[0].start, "no program of this supervisord runs nats-streaming-server")
    if not found.problems:
        read_launches(servers, files, found)


def _included(sections: _Sections, files: GivenFiles, known: set[str]) -> Iterator[GivenFile]:
    """Yield the files of `[include]`."""
    line = sections.lines.get("include", {}).get("files")
    for pattern in line.value.split()[:MOST_SERVERS] if line is not None else ():
        main = sections.files["include"]
        path = PurePosixPath(pattern.replace("%(here)s", "."))
        found = files.in_folder(str(main.folder / path.parent), path.name)
        for file in found or files.in_folder(str(main.folder / path.parent.name), path.name):
            if file.name not in known:
                known.add(file.name)
                files.used.add(file.name)
                yield file


def _launches(
    name: str,
    lines: Mapping[str, Line],
    environ: Mapping[str, str],
    file: GivenFile,
    files: GivenFiles,
    found: Found,
) -> Iterator[Launch]:
    command = lines["command"]
    values = {each: lines[each].value for each in lines}
    if values.get("autostart", "true").lower() in ("false", "no", "off", "0"):
        found.left_out(command.place, f"program {name}", "supervisord does not start it by itself")
        return
    count = _number(lines.get("numprocs"), 1, found)
    first = _number(lines.get("numprocs_start"), 0, found)
    for number in range(first, first + min(count, MOST_SERVERS + 1)):
        known = {
            "program_name": name,
            "group_name": name,
            "process_num": str(number),
            "numprocs": str(count),
            "here": ".",
            **{f"ENV_{each}": value for each, value in environ.items()},
        }
        own = _pairs(_expanded(values.get("environment", ""), known))
        known |= {f"ENV_{each}": value for each, value in own.items()}
        variables = {**environ, **own}
        words = _words(_expanded(command.value, known), command, found)
        if not words:
            return
        title = f"program {name}" if count == 1 else f"program {name} {number}"
        started = list(launches(words, title, variables, lambda path: files.find(path, file), file, found))
        if not started:
            return
        yield from started


def _number(line: Line | None, default: int, found: Found) -> int:
    if line is None or re.fullmatch(r"[0-9]{1,4}", line.value):
        return default if line is None else int(line.value)
    found.problem(line.place, f"{line.name} is {line.value[:20]!a}: it has to be a number")
    return default


def _expanded(text: str, known: Mapping[str, str]) -> str:
    """Return the text with its expansions; the name of an unknown one stays between two marks."""

    def replaced(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        value = known.get(match[1], f"{_UNKNOWN}{match[1].removeprefix('ENV_')}{_UNKNOWN}")
        width = int(match[2] or 0)
        return value.rjust(width, "0" if match[2].startswith("0") else " ")

    if "%" not in text:
        return text
    length = sum(len(known.get(match[1] or "", "")) for match in _EXPANSION.finditer(text))
    return _EXPANSION.sub(replaced, text) if length <= unit_file.LONGEST else ""


def _words(command: str, line: Line, found: Found) -> list[Word]:
    if len(command) > _LONGEST_COMMAND:
        found.problem(line.place, f"the command line has more than {_LONGEST_COMMAND} characters")
        return []
    try:
        texts = shlex.split(command)
    except ValueError as error:
        found.problem(line.place, f"the command cannot be split into words: {str(error).lower()}")
        return []
    words: list[Word] = []
    for text in texts:
        before, mark, rest = text.partition(_UNKNOWN)
        name, _, after = rest.partition(_UNKNOWN)
        words.append(Word(f"{before}?{after}" if mark else text, line.place, name))
    return words


def _pairs(text: str) -> dict[str, str]:
    """Return the variables of `environment=A="b",C=d`."""
    pairs = {match[1]: match[2].strip() for match in _PAIR.finditer(text[: unit_file.LONGEST])}
    return {
        name: value[1:-1] if value[:1] in ("'", '"') else value
        for name, value in pairs.items()
        if _UNKNOWN not in value
    }
