"""Refusals of a Docker Engine, by its own words, as the errors of stanlocal. Pure.

The first rule that fits decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from stanlocal.errors import (
    EngineError,
    ImageNotFound,
    NameConflict,
    NodeNotFound,
    NodePaused,
    PortInUse,
    StanlocalError,
)

_PORT_TAKEN = re.compile(
    r"Bind for \S*?:(\d{1,5}) failed: port is already allocated"
    r"|listen tcp4? \S*?:(\d{1,5}): bind: address already in use"
    r"|failed to bind host port for \S*?:(\d{1,5}):"
)
_NAME_TAKEN = re.compile(r'name "/?([^"]+)" is already in use|network with name (\S+) already exists')
_PAUSED = re.compile(r"container \S+ is paused", re.IGNORECASE)
_NO_IMAGE = re.compile("no such image", re.IGNORECASE)
_BEING_REMOVED = "marked for removal"
"""Part of the engine's message, also for a container that it was removing when the engine was killed."""
_HALF_STARTED = re.compile("failed to start shim: mkdir|id already in use")
"""Parts of the engine's messages for a container that it was starting when it was killed."""
_NO_SUBNET = "non-overlapping IPv4 address pool"


def refusal(said: str, *, not_found: bool) -> StanlocalError:
    """Return the error for a refusal; `said` is its first line, `not_found` says that its status was 404."""
    for rule in _RULES:
        if error := rule(said):
            return error
    if not_found and _NO_IMAGE.search(said):
        return ImageNotFound(f"the image is gone: {said}; see 'stanlocal image status'")
    if not_found or _BEING_REMOVED in said or _HALF_STARTED.search(said):
        return NodeNotFound(f"the engine no longer has it: {said}; see 'stanlocal status'")
    return EngineError(f"the engine refused: {said}; see 'stanlocal doctor'")


def first_line(message: str) -> str:
    """Return the first line of the engine's message."""
    said = message.strip().splitlines()
    return said[0] if said else "without a reason"


def foreign(name: str) -> NameConflict:
    """Return the error for a needed name that an object of another maker has on the engine."""
    return NameConflict(
        f"'{name}' exists already and was not made by stanlocal for you; rename or remove it, or choose "
        "another group with '--group'",
        name,
    )


def _port_in_use(said: str) -> StanlocalError | None:
    found = _PORT_TAKEN.search(said)
    if not found:
        return None
    port = int(next(filter(None, found.groups())))
    return PortInUse(f"port {port} is taken; free it or choose others with '--port'", port)


def _name_conflict(said: str) -> StanlocalError | None:
    found = _NAME_TAKEN.search(said)
    return foreign(next(filter(None, found.groups()))) if found else None


def _paused(said: str) -> StanlocalError | None:
    return NodePaused(f"{said}; see 'stanlocal unpause'") if _PAUSED.search(said) else None


def _no_subnet(said: str) -> StanlocalError | None:
    if _NO_SUBNET not in said:
        return None
    return EngineError(
        "the engine has no address range left for another network; remove unused ones with "
        "'docker network prune'"
    )


_RULES: tuple[Callable[[str], StanlocalError | None], ...] = (
    _port_in_use,
    _name_conflict,
    _paused,
    _no_subnet,
)
