"""Shell scripts and command lines that start servers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from stanlocal.imports.environment_file import read_environment_file
from stanlocal.imports.flags import Word
from stanlocal.imports.given_files import GivenFile, GivenFiles
from stanlocal.imports.import_result import Found
from stanlocal.imports.launches import Launch, read_launches
from stanlocal.imports.shell import LONGEST, Shell, Started
from stanlocal.natsconf import ConfError, Place

_SUFFIXES = (".sh", ".bash", ".zsh", ".ksh")
_SHELL = re.compile(r"(?:.*/)?(?:ba|da|k|z|a)?sh")
_SHEBANG = re.compile(r"#![^\n]*sh\b")
_COMMAND_LINE = re.compile(r"^[ \t]*(?:[$%] )?(?:[\w./-]*/)?nats-streaming-server[ \t]+-", re.MULTILINE)


def starts_servers(file: GivenFile) -> bool:
    """Return whether the text is a script that starts a server, or says that it is a script."""
    if file.text.startswith("#!") or (file.path is not None and file.path.suffix in _SUFFIXES):
        return True
    if "nats-streaming" not in file.text or len(file.text) > LONGEST:
        return False
    if _COMMAND_LINE.search(file.text):
        return True
    shell = Shell({})
    with suppress(ConfError):  # what cannot be followed is no script
        shell.run(file.text, lambda line, column: Place(file.name, line, column))
    return bool(shell.servers)


def read_scripts(
    scripts: Sequence[GivenFile], files: GivenFiles, environ: Mapping[str, str], found: Found
) -> None:
    """Put the settings of the servers that the scripts start into `found`."""
    launches: list[Launch] = []
    for script in scripts:
        shell = Shell(environ, lambda name, script=script: _sourced(name, script, files))  # type: ignore[misc]
        try:
            shell.run(script.text, lambda line, column, name=script.name: Place(name, line, column))  # type: ignore[misc]
        except ConfError as error:
            found.problems.append(str(error))
            return
        launches += [_launch(started, shell, script, files) for started in shell.servers]
    if not launches:
        found.problem(scripts[0].start, "this script starts no nats-streaming-server")
        return
    read_launches(launches, files, found)


def _sourced(name: str, script: GivenFile, files: GivenFiles) -> tuple[str, str] | None:
    file = files.find(name, script)
    return None if file is None else (file.name, file.text)


def _launch(started: Started, shell: Shell, file: GivenFile, files: GivenFiles) -> Launch:
    command = started.command
    environment = dict(command.environment if command.in_container else started.environment)
    for name in command.environment_files:
        if (other := files.find(name, file)) is not None:
            environment = {**read_environment_file(other.text), **environment}
    return Launch(
        command.title or f"the server of line {command.place.line}",
        command.place,
        command.arguments,
        environment,
        lambda path: _file(path, started, shell, file, files),
    )


def _file(path: str, started: Started, shell: Shell, file: GivenFile, files: GivenFiles) -> GivenFile | None:
    """Return the file that the server reads at `path`: written by the script, mounted, or of the machine."""
    path = started.command.on_machine(path)
    return written(path, shell, file) or files.find(path, file)


def written(path: str, shell: Shell, file: GivenFile) -> GivenFile | None:
    """Return the file that the script, which is in `file`, writes to `path`."""
    for name, (text, line) in shell.written.items():
        if Path(name) == Path(path) or Path(name).name == Path(path).name:
            return GivenFile(file.name, text, file.folder, first_line=line)
    return None


def started_by(
    words: Sequence[Word],
    environment: Mapping[str, str],
    read: Callable[[str], GivenFile | None],
    found: Found,
) -> Shell | None:
    """Return the shell that the words start, with its servers: `sh -c SCRIPT`, or a script in a file.

    None for a command that is no shell's, or whose script cannot be read.
    """
    shell = Shell(environment)
    for at in range(len(words) - 2):
        if _SHELL.fullmatch(words[at].text) and re.fullmatch(r"-[a-z]*c", words[at + 1].text):
            return _run(shell, words[at + 2].text, words[at + 3 :], words[at + 2].place, found)
    at = 1 if len(words) > 1 and _SHELL.fullmatch(words[0].text) else 0
    file = read(words[at].text) if len(words) > at and "/" in words[at].text else None
    if file is None or not (at or _SHEBANG.match(file.text)):
        return None
    return _run(shell, file.text, words[at + 1 :], file, found)


def _run(shell: Shell, text: str, arguments: Sequence[Word], of: Place | GivenFile, found: Found) -> Shell:
    """Run a script that is in a file, or a word at a place."""

    def where(line: int, column: int) -> Place:
        return of if isinstance(of, Place) else Place(of.name, line, column)

    try:
        shell.run(text, where, [word.text for word in arguments])
    except ConfError as error:
        found.problems.append(str(error))
    return shell
