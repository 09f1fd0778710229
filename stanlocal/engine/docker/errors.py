"""Translation of the Docker SDK's exceptions into the errors of stanlocal.

The first rule that fits decides. Nothing of docker, requests or urllib3 leaves the engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import docker.errors
import requests.exceptions
import urllib3.exceptions

from stanlocal.errors import (
    EngineError,
    EngineUnavailable,
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
_BEING_REMOVED = "marked for removal"
"""Part of the engine's message, also for a container that it was removing when the engine was killed."""
_NO_SUBNET = "non-overlapping IPv4 address pool"


def taken_port(text: str) -> int | None:
    """Return the host port that is taken by an engine's message; None if it is about something else."""
    found = _PORT_TAKEN.search(text)
    return int(next(filter(None, found.groups()))) if found else None


def explanation(error: docker.errors.APIError) -> str:
    """Return the first line of the engine's message."""
    said = str(error.explanation or error).strip().splitlines()
    return said[0] if said else "without a reason"


def _port_in_use(error: docker.errors.APIError) -> StanlocalError | None:
    port = taken_port(explanation(error))
    if port is None:
        return None
    return PortInUse(f"port {port} is taken; free it or choose others with '--port'", port)


def _name_conflict(error: docker.errors.APIError) -> StanlocalError | None:
    found = _NAME_TAKEN.search(explanation(error))
    if not found:
        return None
    return foreign(next(filter(None, found.groups())))


def foreign(name: str) -> NameConflict:
    """Return the error for a needed name that an object of another maker has on the engine."""
    return NameConflict(
        f"'{name}' exists already and was not made by stanlocal for you; rename or remove it, or choose "
        "another group with '--group'",
        name,
    )


def _paused(error: docker.errors.APIError) -> StanlocalError | None:
    if not re.search(r"container \S+ is paused", explanation(error), re.IGNORECASE):
        return None
    return NodePaused(f"{explanation(error)}; see 'stanlocal unpause'")


def _no_subnet(error: docker.errors.APIError) -> StanlocalError | None:
    if _NO_SUBNET not in explanation(error):
        return None
    return EngineError(
        "the engine has no address range left for another network; remove unused ones with "
        "'docker network prune'"
    )


def _not_found(error: docker.errors.APIError) -> StanlocalError | None:
    if isinstance(error, docker.errors.ImageNotFound):
        return ImageNotFound(f"the image is gone: {explanation(error)}; see 'stanlocal image status'")
    if isinstance(error, docker.errors.NotFound) or _BEING_REMOVED in explanation(error):
        return NodeNotFound(f"the engine no longer has it: {explanation(error)}; see 'stanlocal status'")
    return None


_API_RULES: tuple[Callable[[docker.errors.APIError], StanlocalError | None], ...] = (
    _port_in_use,
    _name_conflict,
    _paused,
    _no_subnet,
    _not_found,
)


def translate(error: Exception) -> StanlocalError:
    """Return the error of stanlocal for `error`."""
    if isinstance(error, docker.errors.APIError):
        for rule in _API_RULES:
            if translated := rule(error):
                return translated
        return EngineError(f"the engine refused: {explanation(error)}; see 'stanlocal doctor'")
    if isinstance(error, requests.exceptions.Timeout | urllib3.exceptions.TimeoutError):
        return EngineUnavailable("the engine does not answer in time; restart it, then try again")
    return EngineUnavailable(f"the connection to the engine was lost ({error}); see 'stanlocal doctor'")


FOREIGN = (
    docker.errors.DockerException,
    docker.errors.StreamParseError,
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
    urllib3.exceptions.ProxySchemeUnsupported,
    ConnectionError,
)
"""Exceptions of the SDK and its libraries when an engine refuses, hangs or goes away."""


@contextmanager
def translated() -> Iterator[None]:
    """Raise the SDK's exceptions in the `with` block as errors of stanlocal."""
    try:
        yield
    except FOREIGN as error:
        raise translate(error) from error
