"""Scripts that a command line hands to a shell: `sh -c SCRIPT`, `sh FILE`, `su -c`, `ssh`, `eval`. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from stanlocal.imports.flags import Word
from stanlocal.imports.server_command import SPEAKS, base, unwrapped

_SHELL = re.compile(r"(?:ba|da|k|z|a)?sh(?:\.exe)?")
_COMMAND_OPTION = re.compile(r"-[a-z]*c|--command")
_VALUED = frozenset(("-o", "+o", "-O", "+O", "--rcfile", "--init-file"))
"""Options of shells that take the following word as their value."""
_MOST_WORDS = 16
_SSH_VALUED = frozenset(("-p", "-i", "-l", "-o", "-F", "-J"))
_SERVER_LINE = re.compile(
    r"\s*(?:(?:exec|sudo|nohup)\s+)*(?:[^\s'\"]*[/\\])?nats-streaming-server(?:\.exe)?\s+-", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class ShellCommand:
    """A script in a word or in a file, and its arguments."""

    script: Word
    in_file: bool = False
    """True if `script` is the file's name."""
    arguments: Sequence[Word] = ()
    shebang: bool = False
    """True if only the file's first line can say that it is a shell's."""


def is_shell(words: Sequence[Word]) -> bool:
    """Return whether the command is a shell, or a program that runs one."""
    _, command = unwrapped(words)
    return bool(command) and _SHELL.fullmatch(base(command[0].text)) is not None


def reads_script(words: Sequence[Word]) -> bool:
    """Return whether the command is a shell, here or elsewhere, that reads its script from its input."""
    _, command = unwrapped(words)
    if not command:
        return False
    name, rest = base(command[0].text), command[1:]
    if name == "ssh":
        known = shell_command(words)
        return known is None or is_shell([known.script]) or reads_script(_split(known.script))
    options = [word.text for word in rest if word.text.startswith("-")]
    return _SHELL.fullmatch(name) is not None and ("-s" in options or len(options) == len(rest))


def _split(script: Word) -> Sequence[Word]:
    return [Word(text, script.place) for text in script.text.split()[:_MOST_WORDS]]


def shell_command(words: Sequence[Word]) -> ShellCommand | None:
    """Return the script that the words hand to a shell; None for any other command."""
    _, command = unwrapped(words)
    if not command:
        return None
    name, rest = base(command[0].text), command[1:]
    if _SHELL.fullmatch(name):
        return _shell(rest)
    if name == "su":
        at = next((at for at, word in enumerate(rest) if _COMMAND_OPTION.fullmatch(word.text)), None)
        return ShellCommand(rest[at + 1]) if at is not None and at + 1 < len(rest) else None
    if name == "eval" and rest:
        return ShellCommand(_one(rest))
    if name == "ssh":
        while rest and rest[0].text.startswith("-"):
            rest = rest[2:] if rest[0].text in _SSH_VALUED else rest[1:]
        return ShellCommand(_one(rest[1:])) if len(rest) > 1 else None
    if name in SPEAKS:
        return None
    line = next((word for word in rest if _SERVER_LINE.match(word.text)), None)
    if line is not None:  # tmux, screen, script and others that hand one word to a shell
        return ShellCommand(line)
    return ShellCommand(command[0], True, rest, True) if "/" in command[0].text else None


def _shell(words: Sequence[Word]) -> ShellCommand | None:
    """Return the script among a shell's arguments; the word after that of `-c` is the script's name."""
    with_text = False
    at = 0
    while at < len(words) and words[at].text[:1] in ("-", "+") and len(words[at].text) > 1:
        option = words[at].text
        at += 2 if option in _VALUED or re.fullmatch(r"-[a-z]+o", option) else 1
        if option == "--":
            break
        with_text = with_text or re.fullmatch(r"-[a-z]*c[a-z]*", option) is not None
    if at >= len(words):
        return None
    arguments = words[at + 2 :] if with_text else words[at + 1 :]
    return ShellCommand(words[at], not with_text, arguments)


def _one(words: Sequence[Word]) -> Word:
    missing = next((word.missing for word in words if word.missing), "")
    return Word(" ".join(word.text for word in words), words[0].place, missing)
