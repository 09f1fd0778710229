"""Command lines that run the server: by itself, under another program (`sudo`), in a container. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from stanlocal.imports.flags import Word
from stanlocal.natsconf import Place

PROGRAM = re.compile(r"(?:.*[/\\])?nats-streaming(?:-server)?(?:[-_.][\w.-]*)?(?:\.go)?", re.DOTALL)
"""Names of the server's program."""
IMAGE = re.compile(r"(?:.*/)?nats-streaming(?:-server)?(?:[:@][\w.:@-]+)?", re.DOTALL)
"""Names of the server's image."""
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
    title: str = ""
    """Name of its container, where it has one."""
    environment: dict[str, str] = field(default_factory=dict)
    environment_files: tuple[str, ...] = ()
    mounts: tuple[tuple[str, str], ...] = ()
    """Files and folders of the machine, each with its path in the container."""
    in_container: bool = False

    def on_machine(self, path: str) -> str:
        """Return the path on the machine of what the server sees at `path`; the longest mount counts."""
        return on_machine(path, self.mounts)


def on_machine(path: str, mounts: Iterable[tuple[str, str]]) -> str:
    """Return the path on the machine of what a container has at `path`; the longest mount counts."""
    for source, target in sorted(mounts, key=lambda mount: -len(mount[1])):
        target = target.rstrip("/")
        if path == target:
            return source
        if path.startswith(f"{target}/"):
            return f"{source.rstrip('/')}/{path[len(target) + 1 :]}"
    return path


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
_ENGINES = frozenset(("docker", "podman", "nerdctl"))
_RUN = frozenset(("run", "create"))
_DOCKER_SWITCHES = re.compile(
    r"-[ditPq]+|--(?:detach|interactive|tty|rm|init|privileged|read-only|publish-all|quiet|no-healthcheck"
    r"|oom-kill-disable|sig-proxy|disable-content-trust|replace)(?:=.*)?"
)


def server_command(words: Sequence[Word]) -> ServerCommand | None:
    """Return what the words run, when that is the server; None for any other command."""
    environment: dict[str, str] = {}
    at = 0
    while at < len(words):
        text = words[at].text
        if assigned := _ASSIGNMENT.fullmatch(text):
            environment[assigned[1]] = assigned[2]
            at += 1
        elif PROGRAM.fullmatch(text):
            return ServerCommand(words[at].place, tuple(words[at + 1 :]), environment=environment)
        elif _base(text) in _ENGINES:
            found = _container(words[at:])
            return found and replace(found, environment={**environment, **found.environment})
        elif _base(text) == "start-stop-daemon":
            return _daemon(words[at + 1 :])
        elif _base(text) in _WRAPPERS:
            at = _inner(words, at, _WRAPPERS[_base(text)])
        elif text.startswith(("/", "./")) and has_own_flags(words[at + 1 :]):
            return ServerCommand(words[at].place, tuple(words[at + 1 :]), environment=environment)
        else:
            return None
    return None


def has_own_flags(words: Sequence[Word]) -> bool:
    """Return whether flags among the words are of this server and of hardly any other program."""
    flags = {word.text.lstrip("-").partition("=")[0] for word in words if word.text.startswith("-")}
    return len(flags & _OWN_FLAGS) > 1 or bool(flags & {"sc", "stan_config", "ft_group"})


def _base(path: str) -> str:
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


def _container(words: Sequence[Word]) -> ServerCommand | None:
    """Return the server that `docker run` runs."""
    start = next((at for at, word in enumerate(words) if word.text in _RUN), None)
    if start is None:
        return None
    options: list[tuple[str, str]] = []
    at = start + 1
    while at < len(words) and words[at].text.startswith("-"):
        name, equals, value = words[at].text.partition("=")
        if _DOCKER_SWITCHES.fullmatch(words[at].text) or equals:
            options.append((name, value))
        elif re.fullmatch(r"-[evpuw].+", name):  # -v/a:/b
            options.append((name[:2], name[2:]))
        else:
            at += 1
            options.append((name, words[at].text if at < len(words) else ""))
        at += 1
    if at >= len(words):
        return None
    image, arguments = words[at], words[at + 1 :]
    entrypoint = next((value for name, value in options if name == "--entrypoint"), "")
    known = IMAGE.fullmatch(image.text) or PROGRAM.fullmatch(entrypoint) or has_own_flags(arguments)
    if not known:
        return None
    pairs = [value.partition("=") for name, value in options if name in ("-e", "--env")]
    return ServerCommand(
        words[0].place,
        tuple(after_program(arguments)) or (Word("-m", image.place), Word("8222", image.place)),
        title=next((value for name, value in options if name == "--name"), ""),
        environment={name: value for name, equals, value in pairs if equals},
        environment_files=tuple(value for name, value in options if name == "--env-file"),
        mounts=tuple(mount for name, value in options if (mount := _mount(name, value))),
        in_container=True,
    )


def after_program(words: Sequence[Word]) -> Sequence[Word]:
    """Return the words without the server's program, which an image's start script takes away."""
    return words[1:] if words and PROGRAM.fullmatch(words[0].text) else words


def _mount(option: str, value: str) -> tuple[str, str] | None:
    if option in ("-v", "--volume"):
        source, _, rest = value.partition(":")
        target = rest.partition(":")[0]
        return (source, target) if target else None
    if option == "--mount":
        fields = dict(part.partition("=")[::2] for part in value.split(","))
        source = fields.get("source") or fields.get("src") or ""
        target = fields.get("target") or fields.get("dst") or fields.get("destination") or ""
        return (source, target) if source and target else None
    return None
