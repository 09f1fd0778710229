"""The command line of a container: as words, as one text, or as a script that a shell gets."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from stanlocal.imports.container_environment import Environment
from stanlocal.imports.flags import Word
from stanlocal.imports.given_files import GivenFile
from stanlocal.imports.import_result import Found
from stanlocal.imports.objects import strings
from stanlocal.imports.server_command import PROGRAM, has_own_flags
from stanlocal.imports.shell import Read, Shell
from stanlocal.imports.shell_command import is_shell
from stanlocal.imports.shell_variables import LONGEST
from stanlocal.natsconf import ConfError, Place, Table

Words = tuple[tuple[str, Place], ...]
"""A command line, each word with the place of its list."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """The command line that starts the server."""

    arguments: Sequence[Word]
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that it gets, as far as their values are known."""
    written: Mapping[str, str] = field(default_factory=dict)
    """Texts of the files that a script writes, by path."""


def words_of(container: Table) -> Iterator[tuple[str, Place]]:
    """Yield the words of the command line; a text that is a whole command line is split."""
    place = container["command"].place if "command" in container else Place("?", 1, 1)
    shell = is_shell([Word(word, place) for word in strings(container, "command")])
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


def starts_server(words: Words, read: Read) -> bool:
    """Return whether the command line is known to run the server: by its program, its flags or its script."""
    plain = [Word(word, place) for word, place in words]
    shell = Shell({}, read)
    with suppress(ConfError):  # what cannot be followed is no script
        shell.start(plain)
    return bool(shell.servers) or has_own_flags(plain)


def written_by(words: Words, variables: Environment, read: Read) -> Mapping[str, GivenFile]:
    """Return the files that a container writes, by path, as far as its command line tells."""
    unsaid = Found()
    plain = [Word(*variables.expanded(word, unsaid, place)[:1], place) for word, place in words]
    shell = Shell(variables.complete(), read)
    with suppress(ConfError):  # what cannot be followed writes nothing that could be read
        shell.start(plain)
    return shell.written


def command_line(words: Words, variables: Environment, read: Read, title: str, found: Found) -> CommandLine:
    """Return what the server is started with, references to variables replaced.

    `read` returns the file at a path of the container.
    """
    expanded = [(*variables.expanded(word, found, place), place) for word, place in words]
    plain = [Word(text, place, missing) for text, missing, place in expanded]
    shell = Shell(variables.complete(), read)
    try:
        shell.start(plain)
    except ConfError as error:
        found.problem(plain[0].place, error.reason)
        return CommandLine(())
    if not shell.servers and is_shell(plain):
        why = "the script that it runs starts no nats-streaming-server"
        place = plain[0].place
        found.problem(place, f"{title}: {why}; give the stan.conf itself, or write the server's command line")
        return CommandLine(())
    if not shell.servers:
        return CommandLine(plain, variables.complete())
    first, *others = shell.servers
    if others:
        ways = len(shell.servers)
        found.changed(plain[0].place, title, f"its script starts the server in {ways} ways; the first counts")
    written = {name: file.text for name, file in shell.written.items()}
    return CommandLine(first.arguments, first.environment, written)
