"""Foreign errors as stanlocal's own: the API server's statuses, and failures of the connection.

| status | is | because |
| --- | --- | --- |
| 401 | `EngineUnavailable` | the login is refused |
| 403 | `NotAllowed` | a role lacks a permission, which the server names |
| 404 | `Missing` | there is no such object |
| 410 | `Expired` | a watch's version is too old: list again |
| 400, 409, 422 | `Refused` | the server's own words say why |
| others | `EngineUnavailable` | the server cannot answer now |
"""

from __future__ import annotations

import json

import httpx2

from stanlocal.engine.kubernetes.access import Access
from stanlocal.errors import EngineError, EngineUnavailable, NotAllowed


class Missing(EngineError):
    """The cluster has no such object."""


class Expired(EngineError):
    """The last version seen of the cluster is too old to go on from."""


class Refused(EngineError):
    """The API server refuses a request, with its own words why."""


_REFUSED = (400, 405, 409, 415, 422)


def message_of(body: bytes) -> str:
    """Return the server's own words in the body of an answer, on one line."""
    try:
        status = json.loads(body)
        text = status.get("message") if isinstance(status, dict) else None
    except (ValueError, RecursionError):
        text = None
    words = str(text or body[:300].decode("utf-8", "replace")).split()
    return " ".join(words)[:600]


def of_status(access: Access, code: int, body: bytes) -> EngineError:
    """Return the error for an answer of the API server that is no success."""
    said = message_of(body)
    if code == 401:
        return EngineUnavailable(
            f"{access.server} refuses the login of context '{access.context}' ({said or code}); "
            "log in again, or name another with --context"
        )
    if code == 403:
        return NotAllowed(
            f"context '{access.context}' may not do this in namespace '{access.namespace}': {said}; "
            "docs/clusters.md has the role that it takes"
        )
    if code == 404:
        return Missing(f"not there: {said or 'the API server has no such path'}")
    if code == 410:
        return Expired(said or "the version is too old")
    if code in _REFUSED:
        return Refused(f"{access.server} refuses it ({code}): {said}")
    return EngineUnavailable(f"{access.server} cannot answer now ({code}: {said})")


def of_failure(access: Access, error: Exception) -> EngineUnavailable:
    """Return the error for a connection that failed, or for credentials that cannot be used."""
    lines = str(error).splitlines()
    why = lines[0] if lines else type(error).__name__
    if isinstance(error, httpx2.TransportError):
        return EngineUnavailable(
            f"no answer from {access.server} (context '{access.context}'): {why}; is it reachable from here?"
        )
    if isinstance(error, KeyError):
        why = f"its credential plugin gives no {why}"
    return EngineUnavailable(f"context '{access.context}' cannot be used: {why}")
