"""Translation of the Docker SDK's exceptions into the errors of stanlocal.

Nothing of docker, requests or urllib3 leaves the engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import docker.errors
import requests.exceptions
import urllib3.exceptions

from stanlocal.engine.docker.refusals import first_line, refusal
from stanlocal.errors import EngineUnavailable, ImageNotFound, StanlocalError


def explanation(error: docker.errors.APIError) -> str:
    """Return the first line of the engine's message."""
    return first_line(str(error.explanation or error))


def words_of(error: StanlocalError) -> str | None:
    """Return the engine's own reason for a refusal that was translated; None for another error."""
    cause = error.__cause__
    return explanation(cause) if isinstance(cause, docker.errors.APIError) else None


def translate(error: Exception) -> StanlocalError:
    """Return the error of stanlocal for `error`."""
    if isinstance(error, docker.errors.ImageNotFound):
        return ImageNotFound(f"the image is gone: {explanation(error)}; see 'stanlocal image status'")
    if isinstance(error, docker.errors.APIError):
        return refusal(explanation(error), not_found=isinstance(error, docker.errors.NotFound))
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
