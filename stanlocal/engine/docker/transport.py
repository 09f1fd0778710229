"""`Transport`: requests that only look, over connections of the standard library, without the Docker SDK.

Loading the SDK takes as long as everything else that a command does which changes nothing.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from stanlocal.engine.docker.ping import Target, open_connection
from stanlocal.engine.docker.refusals import first_line, refusal
from stanlocal.errors import EngineUnavailable

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

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> bytes:
        """Return the body of the answer."""
        with closing(self._open()) as connection:
            try:
                self._send(connection, "GET", path, params)
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
        connection = self._open()
        try:
            self._send(connection, method, path, params)
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

    def _open(self) -> http.client.HTTPConnection:
        try:
            return open_connection(self.target, self.timeout_s)
        except OSError as error:  # certificates that cannot be read
            raise lost(error) from error

    def _send(
        self, connection: http.client.HTTPConnection, method: str, path: str, params: Mapping[str, Any] | None
    ) -> None:
        query = f"?{urlencode(params)}" if params else ""
        url = f"/v{self.api_version}{path}{query}"
        connection.request(method, url, headers={"User-Agent": "stanlocal"})


def segment(name: str) -> str:
    """Return a name as one segment of a path."""
    return quote(name, safe="")


def lost(error: Exception) -> EngineUnavailable:
    """Return the error for a connection that failed with one of `LOST`."""
    if isinstance(error, TimeoutError):
        return EngineUnavailable("the engine does not answer in time; restart it, then try again")
    why = first_line(str(error))
    return EngineUnavailable(f"the connection to the engine was lost ({why}); see 'stanlocal doctor'")


def _check(status: int, body: bytes) -> None:
    """Raise the error of stanlocal if the status is a refusal's."""
    if status >= 400:
        raise refusal(_message(body), not_found=status == 404)


def _message(body: bytes) -> str:
    """Return the first line of the engine's reason for a refusal."""
    try:
        message = json.loads(body)["message"]
    except (ValueError, RecursionError, KeyError, TypeError):
        message = body.decode("utf-8", "replace")
    return first_line(str(message))
