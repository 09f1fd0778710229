"""The layer of the environment: `STANLOCAL_NODES=3`, `STANLOCAL_STREAMING__STORE_LIMITS__MAX_AGE=1h`.

A secret may also come from a file that others cannot read: `STANLOCAL_STREAMING__PASSWORD_FILE`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from stanlocal.errors import SettingsError
from stanlocal.settings.layer import ENVIRONMENT_PREFIX, LEVEL, Key, Layer, variable
from stanlocal.settings.tool_options import MAX_PORT, SETTINGS

FIRST_PORT = "FIRST_PORT"
NO_SETTINGS = frozenset({"CONFIG", "JSON", "YES", "VERBOSE", FIRST_PORT, "MONITOR_URLS"})
"""Names that are read from the environment, or printed by `stanlocal env`, and are not settings."""

_PRIVILEGED_PORTS = 1024
_ROOM = 1000
"""Number of ports that must be left above the first one."""

SERVER_KEY = "NATS_STREAMING_ENCRYPTION_KEY"
"""The server's own variable with the key of stored messages."""
_FILE = "_FILE"
_LARGEST_SECRET = 64 * 1024


class Environment(NamedTuple):
    """The settings of the environment."""

    layer: Layer
    problems: list[str]
    """Problems: one for each file of a secret that cannot be read."""
    warnings: list[str]
    """Warnings: one for each unknown `STANLOCAL_` name."""


def read_environment(environ: Mapping[str, str], base: Path, home: Path | None) -> Environment:
    """Return the environment's layer; reads the files with secrets.

    Empty values count as unset, as they do for the command line.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    warnings: list[str] = []
    for name in sorted(environ):
        rest = name.removeprefix(ENVIRONMENT_PREFIX)
        if rest == name or not environ[name] or rest in NO_SETTINGS:
            continue
        key = tuple(rest.lower().split(LEVEL))
        if len(key) == 1 and SETTINGS.find(key[0]) is None:
            near = SETTINGS.nearest(key[0])
            meant = "" if near is None else f"; did you mean {variable(tuple(near.split('.')))}?"
            warnings.append(f"environment {name} is not a setting{meant}")
            continue
        secret = _secret_in_file(key)
        try:
            content = environ[name] if secret is None else first_line(base / environ[name])
        except (OSError, ValueError) as error:
            problems.append(f"environment {name}: cannot read the secret: {error}")
            continue
        _put(values, key if secret is None else secret, content)
    return Environment(Layer("environment", values, base=base, home=home), problems, warnings)


def first_port(environ: Mapping[str, str]) -> int | None:
    """Return the port at which the search for host ports begins; None unless the environment has one.

    Two jobs on one machine, each with a state folder of its own, do not see which ports the other's groups
    keep while they are down. Raises `SettingsError` for an unusable port.
    """
    name = ENVIRONMENT_PREFIX + FIRST_PORT
    content = environ.get(name, "")
    if not content:
        return None
    if content.isascii() and content.isdigit():
        port = int(content[: len(str(MAX_PORT)) + 1])
        if _PRIVILEGED_PORTS <= port <= MAX_PORT - _ROOM:
            return port
    expected = f"expected a port, {_PRIVILEGED_PORTS} to {MAX_PORT - _ROOM}"
    raise SettingsError([f"environment {name}: {expected}; set another one, or unset it"])


def _secret_in_file(key: Key) -> Key | None:
    """Return the secret setting whose file `key` names; None for other keys."""
    if not key[-1].endswith(_FILE.lower()) or SETTINGS.at(key) is not None:
        return None
    secret = (*key[:-1], key[-1].removesuffix(_FILE.lower()))
    option = SETTINGS.at(secret)
    return secret if option is not None and option.secret else None


def first_line(path: Path) -> str:
    """Return the first line of a file with a secret; raise `ValueError` for a huge file."""
    with path.open(encoding="utf-8") as file:
        text = file.read(_LARGEST_SECRET + 1)
    if len(text) > _LARGEST_SECRET:
        raise ValueError(f"{path} is larger than {_LARGEST_SECRET} characters")
    return text.removesuffix("\n").removesuffix("\r")


def _put(values: dict[str, Any], key: Key, content: str) -> None:
    *parents, last = key
    for part in parents:
        below = values.setdefault(part, {})
        if not isinstance(below, dict):
            return
        values = below
    values[last] = content
