"""Command lines that run the server: by itself, or under another program (`sudo`). Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from stanlocal.imports.flags import Word
from stanlocal.natsconf import Place

PROGRAM = re.compile(r"(?:.*[/\\])?nats-streaming(?:-server)?(?:[-_.][\w.-]*)?(?:\.go)?", re.DOTALL)
"""Names of the server's program."""
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_OWN_FLAGS = frozenset(
    ("sc", "stan_config", "cid", "cluster_id", "ft_group", "st", "store", "hbi", "hbt", "msu")
)
"""Flags by which a server under another name is known."""


@dataclass(frozen=True, slots=True)
class ServerCommand:
    """One command that runs the server."""

    place: Place
    arguments: tuple[Word, ...]
    environment: dict[str, Word] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Wrapper:
    """A program that runs the rest of its command line."""

    valued: str = ""
    """Its options that take the following word as their value."""
    positional: int = 0
    """Number of its own arguments before the command."""


_WRAPPERS = {
    **dict.fromkeys(("nohup", "setsid", "command", "builtin", "time", "unbuffer", "dumb-init"), _Wrapper()),
    **dict.fromkeys(("doas", "go", "run", "docker-entrypoint.sh"), _Wrapper()),
    "exec": _Wrapper("-a"),
    "sudo": _Wrapper("-u -g -h -p -C -D -R -T --user --group --chdir"),
    "env": _Wrapper("-u -C -S --unset --chdir"),
    "nice": _Wrapper("-n --adjustment"),
    "ionice": _Wrapper("-c -n --class --classdata"),
    "stdbuf": _Wrapper("-i -o -e --input --output --error"),
    "timeout": _Wrapper("-k -s --kill-after --signal", 1),
    "runuser": _Wrapper("-u -g -G"),
    "setpriv": _Wrapper("--reuid --regid"),
    "numactl": _Wrapper("-C -m -N -i -l"),
    "taskset": _Wrapper("", 1),
    "chroot": _Wrapper("", 1),
    "gosu": _Wrapper("", 1),
    "su-exec": _Wrapper("", 1),
    "setuidgid": _Wrapper("", 1),
    "tini": _Wrapper("-p -e"),
}
SPEAKS = frozenset(("echo", "printf", "logger", "log", "print", "cat", "grep", "pgrep", "pkill", "killall"))
"""Commands that name others without running them."""
_FAR = 16
"""Number of words before the server's program, where it runs under a program that is not known."""


def unwrapped(words: Sequence[Word]) -> tuple[dict[str, Word], Sequence[Word]]:
    """Return the command that others run (`sudo`, `env`), and the variables that they set for it."""
    environment: dict[str, Word] = {}
    at = 0
    while at < len(words):
        if assigned := _ASSIGNMENT.fullmatch(words[at].text):
            environment[assigned[1]] = words[at]._replace(text=assigned[2])
            at += 1
        elif base(words[at].text) in _WRAPPERS:
            at = _inner(words, at, _WRAPPERS[base(words[at].text)])
        else:
            break
    return environment, words[at:]


def server_command(words: Sequence[Word]) -> ServerCommand | None:
    """Return what the words run, when that is the server; None for any other command."""
    environment, command = unwrapped(words)
    if not command:
        return None
    program, arguments = command[0], command[1:]
    if PROGRAM.fullmatch(program.text):
        return ServerCommand(program.place, tuple(arguments), environment)
    if base(program.text) == "start-stop-daemon":
        return _daemon(arguments)
    if program.text.startswith(("/", "./")) and has_own_flags(arguments):
        return ServerCommand(program.place, tuple(arguments), environment)
    if base(program.text) in SPEAKS:
        return None
    for at, word in enumerate(arguments[:_FAR], 1):
        if PROGRAM.fullmatch(word.text) and has_own_flags(command[at + 1 :]):
            return ServerCommand(word.place, tuple(command[at + 1 :]), environment)
    return None


def has_own_flags(words: Sequence[Word]) -> bool:
    """Return whether flags among the words are of this server and of hardly any other program."""
    flags = {word.text.lstrip("-").partition("=")[0] for word in words if word.text.startswith("-")}
    return len(flags & _OWN_FLAGS) > 1 or bool(flags & {"sc", "stan_config", "ft_group"})


def base(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def _inner(words: Sequence[Word], at: int, wrapper: _Wrapper) -> int:
    """Return where the command begins that the wrapper at `at` runs."""
    valued = wrapper.valued.split()
    left = wrapper.positional
    at += 1
    while at < len(words):
        text = words[at].text
        if text == "--":
            return at + 1
        if text in valued:
            at += 2
        elif text.startswith("-") and len(text) > 1:
            at += 1
        elif left:
            left -= 1
            at += 1
        else:
            break
    return at


def _daemon(words: Sequence[Word]) -> ServerCommand | None:
    """Return the server that `start-stop-daemon --exec PROGRAM -- ARGUMENTS` starts."""
    end = next((at for at, word in enumerate(words) if word.text == "--"), len(words))
    for option, value in pairwise(words[:end]):
        if option.text in ("-x", "--exec", "-a", "--startas") and PROGRAM.fullmatch(value.text):
            return ServerCommand(value.place, tuple(words[end + 1 :]))
    return None
