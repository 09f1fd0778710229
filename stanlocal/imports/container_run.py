"""Containers that a command line runs: `docker run`, and the same in Compose and Kubernetes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from stanlocal.imports.flags import Word
from stanlocal.imports.server_command import PROGRAM, base, has_own_flags, unwrapped
from stanlocal.imports.shell_command import is_shell
from stanlocal.natsconf import Place

IMAGE = re.compile(r"(?:.*/)?nats-streaming(?:-server)?(?:[:@][\w.:@-]+)?", re.DOTALL)
"""Names of the server's image."""
_PROGRAM = "nats-streaming-server"
_IMAGE_COMMAND = ("-m", "8222")
"""Arguments of the server's image, where nothing else is set."""
_ENGINES = frozenset(("docker", "podman", "nerdctl"))
_RUN = frozenset(("run", "create"))
_DOCKER_SWITCHES = re.compile(
    r"-[ditPq]+|--(?:detach|interactive|tty|rm|init|privileged|read-only|publish-all|quiet|no-healthcheck"
    r"|oom-kill-disable|sig-proxy|disable-content-trust|replace)(?:=.*)?"
)


@dataclass(frozen=True, slots=True)
class ContainerRun:
    """One container, or several alike."""

    place: Place
    words: Sequence[Word]
    """Command that runs inside."""
    title: str = ""
    """Name of the container, where it has one."""
    environment: dict[str, Word] = field(default_factory=dict)
    environment_files: tuple[str, ...] = ()
    mounts: tuple[tuple[str, str], ...] = ()
    """Files and folders of the machine, each with its path in the container."""
    count: int = 1


def container_words(
    image: Word, entrypoint: Sequence[Word] | None, arguments: Sequence[Word]
) -> Sequence[Word]:
    """Return the command that a container runs; `entrypoint` is None where it is the image's own.

    The image's start script runs a shell among the arguments, and else the server with them. An image, or a
    program, of another name is known by the server's flags.
    """
    flags = bool(arguments) and arguments[0].text.startswith("-") and has_own_flags(arguments)
    if entrypoint is not None:
        by_name = len(entrypoint) == 1 and "/" not in entrypoint[0].text and bool(unwrapped(entrypoint)[1])
        if flags and by_name and not is_shell(entrypoint):
            return [Word(_PROGRAM, entrypoint[0].place), *arguments]
        return [*entrypoint, *arguments]
    if IMAGE.fullmatch(image.text):
        if is_shell(arguments):
            return arguments
        own = after_program(arguments) or [Word(text, image.place) for text in _IMAGE_COMMAND]
        return [Word(_PROGRAM, image.place), *own]
    return [Word(_PROGRAM, image.place), *arguments] if flags else arguments


def after_program(words: Sequence[Word]) -> Sequence[Word]:
    """Return the words without the server's program, which an image's start script takes away."""
    return words[1:] if words and PROGRAM.fullmatch(words[0].text) else words


def container_run(words: Sequence[Word]) -> ContainerRun | None:
    """Return the container that `docker run` runs; None for another command."""
    _, words = unwrapped(words)
    if not words or base(words[0].text) not in _ENGINES:
        return None
    start = next((at for at, word in enumerate(words) if word.text in _RUN), None)
    if start is None:
        return None
    options, rest = _options(words[start + 1 :])
    if not rest:
        return None

    def last(*names: str) -> str:
        return next((value.text for name, value in reversed(options) if name in names), "")

    entrypoint = [Word(last("--entrypoint"), rest[0].place)] if last("--entrypoint") else None
    variables = [value for name, value in options if name in ("-e", "--env") and "=" in value.text]
    replicas = last("--replicas")
    return ContainerRun(
        words[0].place,
        container_words(rest[0], entrypoint, rest[1:]),
        last("--name"),
        dict(_variable(each) for each in variables),
        tuple(value.text for name, value in options if name == "--env-file"),
        tuple(mount for name, value in options if (mount := _mount(name, value.text))),
        int(replicas) if re.fullmatch(r"[0-9]{1,3}", replicas) else 1,
    )


def _variable(setting: Word) -> tuple[str, Word]:
    name, _, value = setting.text.partition("=")
    return name, setting._replace(text=value)


def _options(words: Sequence[Word]) -> tuple[list[tuple[str, Word]], Sequence[Word]]:
    """Return the options with their values, and the words after them: the image and its arguments."""
    options: list[tuple[str, Word]] = []
    at = 0
    while at < len(words) and words[at].text.startswith("-"):
        word = words[at]
        name, equals, value = word.text.partition("=")
        if name == "--":
            return options, words[at + 1 :]
        if re.fullmatch(r"-[evpuw].+", name):  # -v/a:/b, -eA=b
            options.append((name[:2], word._replace(text=word.text[2:])))
        elif _DOCKER_SWITCHES.fullmatch(word.text) or equals:
            options.append((name, word._replace(text=value)))
        else:
            at += 1
            options.append((name, words[at] if at < len(words) else word._replace(text="")))
        at += 1
    return options, words[at:]


def on_machine(path: str, mounts: Iterable[tuple[str, str]]) -> str:
    """Return the path on the machine of what a container has at `path`; the longest mount counts."""
    for source, target in sorted(mounts, key=lambda mount: -len(mount[1])):
        target = target.rstrip("/")
        if path == target:
            return source
        if path.startswith(f"{target}/"):
            return f"{source.rstrip('/')}/{path[len(target) + 1 :]}"
    return path


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
