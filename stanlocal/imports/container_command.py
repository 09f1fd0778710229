"""The command line of a container: as words, as one text, or as a script that a shell gets."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from stanlocal.imports.container_environment import Environment
from stanlocal.imports.flags import Word
from stanlocal.imports.import_result import Found
from stanlocal.imports.objects import strings
from stanlocal.imports.server_command import PROGRAM, ServerCommand, has_own_flags, server_command
from stanlocal.imports.shell import LONGEST, Shell, Started
from stanlocal.natsconf import ConfError, Place, Table

_SHELL = re.compile(r"(?:.*/)?(?:ba|da|k|z|a)?sh")
_SCRIPT_OPTION = re.compile(r"-[a-z]*c")

Words = tuple[tuple[str, Place], ...]
"""A command line, each word with the place of its list."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """The command line that starts the server."""

    arguments: Sequence[Word]
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that a script sets for it."""
    written: Mapping[str, str] = field(default_factory=dict)
    """Texts of the files that a script writes, by path."""


def words_of(container: Table) -> Iterator[tuple[str, Place]]:
    """Yield the words of the command line; a text that is a whole command line is split."""
    shell = any(_SHELL.fullmatch(word) for word in strings(container, "command")[:1])
    for name in ("command", "args"):
        words = strings(container, name) if name in container else []
        for word in words:
            whole = len(words) == 1 and not shell and _is_command_line(word)
            for part in _split(word) if whole else [word]:
                yield part, container[name].place


def _is_command_line(word: str) -> bool:
    first, *rest = word.split(None, 1) or [""]
    return bool(rest) and (first.startswith("-") or PROGRAM.fullmatch(first) is not None)


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line[:LONGEST])
    except ValueError:  # quotes without an end
        return line.split()


def starts_server(words: Words) -> bool:
    """Return whether the command line is known to run the server, by its program or its flags."""
    script = _script(words)
    if script is not None:
        return bool(_servers(Shell({}), *script))
    plain = [Word(word, place) for word, place in words]
    return server_command(plain) is not None or has_own_flags(plain)


def command_line(words: Words, variables: Environment, title: str, found: Found) -> CommandLine:
    """Return what the server is started with, references to variables replaced."""
    expanded = [(*variables.expanded(word, found, place), place) for word, place in words]
    script = _script(tuple((text, place) for text, _, place in expanded))
    if script is not None:
        return _of_script(*script, variables, title, found)
    plain = [Word(text, place, missing) for text, missing, place in expanded]
    known = server_command(plain)
    return CommandLine(plain) if known is None else _of(known)


def _of(command: ServerCommand) -> CommandLine:
    return CommandLine(command.arguments, command.environment)


def _of_script(text: str, place: Place, variables: Environment, title: str, found: Found) -> CommandLine:
    shell = Shell(variables.complete())
    try:
        started = _servers(shell, text, place)
    except ConfError as error:
        found.problem(place, error.reason)
        return CommandLine(())
    if not started:
        why = "the script that it runs starts no nats-streaming-server"
        found.problem(place, f"{title}: {why}; give the stan.conf itself, or write the server's command line")
        return CommandLine(())
    if len(started) > 1:
        found.changed(place, title, f"its script starts the server in {len(started)} ways; the first counts")
    first = started[0]
    written = {name: content for name, (content, _) in shell.written.items()}
    return CommandLine(first.command.arguments, first.environment, written)


def _servers(shell: Shell, text: str, place: Place) -> list[Started]:
    shell.run(text, lambda line, column: place)
    return shell.servers


def _script(words: Words) -> tuple[str, Place] | None:
    """Return the script of `sh -c SCRIPT`; None for other command lines."""
    if not words or not _SHELL.fullmatch(words[0][0]):
        return None
    at = next((at for at, (word, _) in enumerate(words) if _SCRIPT_OPTION.fullmatch(word)), None)
    return words[at + 1] if at is not None and at + 1 < len(words) else None
