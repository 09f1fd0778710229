"""Shell scripts and command lines that start servers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from stanlocal.imports.flags import Word
from stanlocal.imports.given_files import GivenFile, GivenFiles
from stanlocal.imports.import_result import Found
from stanlocal.imports.launches import Launch, read_launches
from stanlocal.imports.shell import Read, Shell, Started
from stanlocal.imports.shell_variables import LONGEST
from stanlocal.natsconf import ConfError, Place

_SUFFIXES = (".sh", ".bash", ".zsh", ".ksh")
_COMMAND_LINE = re.compile(r"^[ \t]*(?:[$%] )?(?:[\w./-]*/)?nats-streaming-server[ \t]+-", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)


def starts_servers(file: GivenFile) -> bool:
    """Return whether the text is a script that starts a server, or says that it is a script."""
    if file.text.startswith("#!") or (file.path is not None and file.path.suffix in _SUFFIXES):
        return True
    if "nats-streaming" not in file.text or len(file.text) > LONGEST:
        return False
    text = _commands(file.text)
    if _COMMAND_LINE.search(text):
        return True
    shell = Shell({})
    with suppress(ConfError):  # what cannot be followed is no script
        shell.run(text, lambda line, column: Place(file.name, line, column))
    return bool(shell.servers)


def _commands(text: str) -> str:
    """Return the text, or of a document its blocks of code that name the server, each on its line."""
    if text.startswith("#!") or not _FENCE.search(text):
        return text
    lines: list[str] = []
    block: list[str] | None = None
    for line in text.split("\n"):
        if not _FENCE.match(line):
            (lines if block is None else block).append("" if block is None else line)
        elif block is None:
            block = []
        else:
            lines += [
                "",
                *(block if any("nats-streaming" in each for each in block) else [""] * len(block)),
                "",
            ]
            block = None
    return "\n".join(lines)


def read_scripts(
    scripts: Sequence[GivenFile], files: GivenFiles, environ: Mapping[str, str], found: Found
) -> Sequence[GivenFile] | None:
    """Put the settings of the servers that the scripts start into `found`.

    Where they start none, return the files that they write, which may start servers; else None.
    """
    servers: list[Launch] = []
    written: list[GivenFile] = []
    for script in scripts:
        try:
            shell = _followed(script, files, environ)
        except ConfError as error:
            found.problems.append(str(error))
            return None
        for path, file in shell.written.items():
            written.append(replace(file, name=f"{script.name}:{path}", path=Path(path)))
        for started in shell.servers:
            title = started.title or f"the server of line {started.place.line}"
            servers.append(_launch(started, title, started.place))
    if servers:
        read_launches(servers, files, found)
    return None if servers else written


def _followed(script: GivenFile, files: GivenFiles, environ: Mapping[str, str]) -> Shell:
    shell = Shell(environ, lambda name: files.find(name, script), script.folder)
    shell.run(_commands(script.text), lambda line, column: Place(script.name, line, column))
    return shell


def _launch(started: Started, title: str, place: Place) -> Launch:
    return Launch(title, place, started.arguments, started.environment, started.read, started.count)


def launches(
    words: Sequence[Word],
    title: str,
    environment: Mapping[str, str],
    read: Read,
    file: GivenFile,
    found: Found,
    before: Sequence[Sequence[Word]] = (),
) -> Iterator[Launch]:
    """Yield each server that a command line starts: by itself, in a container, or through a shell.

    `read` returns the file at a path, `file` is the one that has the command line. Commands that run `before`
    may write files. What cannot be followed is noted as a problem.
    """
    shell = Shell(environment, read, file.folder)
    try:
        for each in before:
            shell.start(each)
        shell.servers.clear()
        shell.start(words)
    except ConfError as error:
        found.problems.append(str(error))
    for started in shell.servers:
        yield _launch(started, title, words[0].place)
