"""`Transport`: requests to a Docker Engine over connections of the standard library, without its SDK.

Loading the SDK takes as long as all else that most commands do, so it is loaded only for images and trials.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from stanlocal.engine.docker.ping import Target, open_connection
from stanlocal.engine.docker.refusals import first_line, refusal
from stanlocal.errors import EngineUnavailable, StanlocalError

_LONGEST_REFUSAL = 1 << 20
"""Bytes read of the reason for which a stream is refused."""

LOST = (OSError, http.client.HTTPException)
"""Exceptions of a connection when an engine hangs or goes away."""


class OpenAnswer:
    """An answer whose body arrives while it is read; one thread reads it, any may shut it down."""

    def __init__(
        self, connection: http.client.HTTPConnection, sock: socket.socket, answer: http.client.HTTPResponse
    ) -> None:
        self._connection, self._sock, self._answer = connection, sock, answer

    def read(self, size: int) -> bytes:
        """Read `size` bytes, or fewer if the body ends before."""
        return self._answer.read(size)

    def read1(self, size: int) -> bytes:
        """Read what has arrived, at most `size` bytes; wait if that is nothing. Empty at the end."""
        return self._answer.read1(size)

    def shutdown(self) -> None:
        """End the reading, in whatever thread it waits; raises `OSError` if the connection has ended."""
        self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the body and its connection."""
        self._answer.close()
        self._connection.close()


@dataclass(frozen=True, slots=True)
class Transport:
    """Blocking requests to one engine; each has its own connection, so that any thread may send one.

    All methods raise the error of stanlocal for whatever the engine refuses, and `EngineUnavailable` when it
    does not answer in time or goes away.
    """

    target: Target
    api_version: str
    """Version of the API whose paths are used, such as `1.41`."""
    timeout_s: float
    """Seconds that connecting, and each read of an answer, may take."""

    def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        content: Any = None,
        longer_s: float = 0,
    ) -> bytes:
        """Return the body of the answer; `content` is sent as JSON, an archive (bytes or a file) as it is.

        `longer_s` is added to the timeout, for what the engine is asked to wait for itself.
        """
        with closing(self._open(longer_s)) as connection:
            try:
                self._send(connection, method, path, params, content)
                with closing(connection.getresponse()) as answer:
                    body = answer.read()
            except LOST as error:
                raise lost(error) from error
            _check(answer.status, body)
            return body

    def stream(
        self, method: str, path: str, params: Mapping[str, Any] | None = None, *, endless: bool = True
    ) -> OpenAnswer:
        """Return the answer with its body unread, for the caller to close; `endless`: no read times out.

        Its reads raise `LOST`.
        """
        connection = self._open(0)
        try:
            self._send(connection, method, path, params, None)
            sock = connection.sock  # the connection forgets it where the engine ends it after the answer
            answer = connection.getresponse()
            if answer.status >= 400:
                with closing(answer):
                    _check(answer.status, answer.read(_LONGEST_REFUSAL))
            if endless:
                sock.settimeout(None)
            return OpenAnswer(connection, sock, answer)
        except BaseException as error:
            connection.close()
            if isinstance(error, LOST):
                raise lost(error) from error
            raise

    def _open(self, longer_s: float) -> http.client.HTTPConnection:
        try:
            return open_connection(self.target, self.timeout_s + longer_s)
        except OSError as error:  # certificates that cannot be read
            raise lost(error) from error

    def _send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        content: Any,
    ) -> None:
        query = f"?{urlencode(params)}" if params else ""
        headers = {"User-Agent": "stanlocal"}
        if isinstance(content, Mapping):
            content = json.dumps(content).encode()
            headers["Content-Type"] = "application/json"
        elif content is not None:
            headers["Content-Type"] = "application/x-tar"
        with suppress(BrokenPipeError):  # it refuses before it has read all; its answer says why
            connection.request(method, f"/v{self.api_version}{path}{query}", content, headers)


def segment(name: str) -> str:
    """Return a name as one segment of a path."""
    return quote(name, safe="")


def lost(error: Exception) -> EngineUnavailable:
    """Return the error for a connection that failed with one of `LOST`."""
    if isinstance(error, TimeoutError):
        return EngineUnavailable("the engine does not answer in time; restart it, then try again")
    why = first_line(str(error))
    return EngineUnavailable(f"the connection to the engine was lost ({why}); see 'stanlocal doctor'")


class EngineWords(Exception):
    """The engine's own reason for a refusal; the cause of the error that stanlocal raises for it."""


def words_of(error: StanlocalError) -> str | None:
    """Return the engine's own reason, if it is the cause of the error."""
    return str(error.__cause__) if isinstance(error.__cause__, EngineWords) else None


def _check(status: int, body: bytes) -> None:
    """Raise the error of stanlocal if the status is a refusal's."""
    if status >= 400:
        said = _message(body)
        raise refusal(said, not_found=status == 404) from EngineWords(said)


def _message(body: bytes) -> str:
    """Return the first line of the engine's reason for a refusal."""
    try:
        message = json.loads(body)["message"]
    except (ValueError, RecursionError, KeyError, TypeError):
        message = body.decode("utf-8", "replace")
    return first_line(str(message))
