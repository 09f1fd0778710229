"""Requests to a cluster's API server: objects as they are in JSON, watches, logs, and monitors of pods.

lightkube makes the connection (credentials, TLS); its typed objects are not used, as the importers read
whole objects, and its client has no way to a pod's port.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import httpx2
from lightkube.config.client_adapter import ConnectionParams
from lightkube.core.exceptions import ConfigError

from stanlocal.engine.kubernetes.access import Access
from stanlocal.engine.kubernetes.answers import Json, read_event, read_object
from stanlocal.engine.kubernetes.errors import of_failure, of_status

Params: TypeAlias = Mapping[str, str]

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
"""Types of the body of a patch: one that the server applies, and one of some fields."""
REQUEST_S = 10.0
"""Seconds for an answer of the API server; it answers within milliseconds."""
_MOST_BYTES = 32 << 20
"""Limit on an answer; a list of 1,000 pods has some 10 MB."""
_NO_LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=20)
"""Connections: streams last, so that with a limit a request could wait for them for ever."""
_LONGEST_LINE = 4 << 20
"""Limit on a line of a stream; an object in a watch has at most 1.5 MB."""


class Api:
    """The API of one cluster for one caller; usable from any event loop."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx2.AsyncClient] = WeakKeyDictionary()

    @property
    def _client(self) -> httpx2.AsyncClient:
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None or client.is_closed:
            timeout = httpx2.Timeout(REQUEST_S, pool=None)
            try:
                options = ConnectionParams(timeout=timeout).httpx_params(self.access.config)
                client = httpx2.AsyncClient(**options, limits=_NO_LIMITS)
            except (ConfigError, OSError, ValueError, AssertionError) as error:
                raise of_failure(self.access, error) from error
            self._clients[loop] = client
        return client

    async def close(self) -> None:
        """Close the connections of this event loop."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    async def get(self, path: str, params: Params | None = None) -> Json:
        """Return the object or list at a path; raise `Missing` if there is none."""
        return read_object(await self.read(path, params), path)

    async def read(self, path: str, params: Params | None = None) -> bytes:
        """Return the body of the answer to GET; raise as `errors.of_status` does for any but a success."""
        async with self._answer("GET", path, params) as response:
            body = await _body(response, _MOST_BYTES)
        if response.is_error:
            raise of_status(self.access, response.status_code, body)
        return body

    async def ask(self, path: str, limit: int) -> tuple[int, bytes]:
        """Return status and body of the answer to GET, whatever the status is."""
        async with self._answer("GET", path, None) as response:
            return response.status_code, await _body(response, limit)

    async def change(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        params: Params | None = None,
        *,
        kind: str | None = None,
    ) -> Json:
        """Send a request that changes the cluster; return the object that it answers.

        `kind` is the type of the body; a patch is one that is applied by the server, unless it says another.
        """
        kind = kind or (APPLY if method == "PATCH" else "application/json")
        content = None if body is None else json.dumps(body).encode()
        async with self._answer(method, path, params, content, {"Content-Type": kind}) as response:
            answer = await _body(response, _MOST_BYTES)
        if response.is_error:
            raise of_status(self.access, response.status_code, answer)
        return read_object(answer, path)

    async def watch(self, path: str, version: str, params: Params) -> AsyncGenerator[tuple[str, Json]]:
        """Yield types and objects of a watch's events from a version on, bookmarks included, until its end.

        Raises `Expired` when the version is too old, and `EngineUnavailable` when the server is gone.
        """
        wanted = {**params, "watch": "1", "resourceVersion": version, "allowWatchBookmarks": "true"}
        async with self.lines(path, wanted) as chunks:
            async for chunk in chunks:
                for line in chunk:
                    yield read_event(line, path, self.access)

    @asynccontextmanager
    async def lines(
        self, path: str, params: Params, *, patience_s: float | None = None
    ) -> AsyncIterator[AsyncIterator[list[bytes]]]:
        """Open a stream, and yield an iterator over its lines as they arrive, which ends with the stream.

        With `patience_s` an answer has to begin within that time: `EngineUnavailable` if it does not.
        """
        async with self._answer("GET", path, params, patience_s=patience_s, endless=True) as response:
            if response.is_error:
                raise of_status(self.access, response.status_code, await _body(response, _MOST_BYTES))
            yield _split(response)

    @asynccontextmanager
    async def upgraded(self, path: str, params: Params, protocol: str) -> AsyncIterator[httpx2.Response]:
        """Turn a connection into a WebSocket for that protocol; yield the answer, which has its stream.

        Raises as `read` does, and `EngineUnavailable` where the server does not speak WebSocket.
        """
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        headers = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Protocol": protocol,
        }
        async with self._answer("GET", path, params, None, headers, endless=True) as response:
            if response.status_code != 101:
                body = await _body(response, _MOST_BYTES)
                raise of_status(self.access, response.status_code, body)
            yield response

    @asynccontextmanager
    async def _answer(
        self,
        method: str,
        path: str,
        params: Params | None,
        content: bytes | None = None,
        headers: Params | None = None,
        *,
        patience_s: float | None = None,
        endless: bool = False,
    ) -> AsyncIterator[httpx2.Response]:
        client = self._client
        timeout = httpx2.Timeout(REQUEST_S, read=None, pool=None) if endless else client.timeout
        request = client.build_request(
            method,
            path,
            params=params,
            content=content,
            headers=headers,
            timeout=timeout,
            extensions={"trace": _HandshakeGuard()},
        )
        try:
            response = await _in_time(client.send(request, stream=True), patience_s)
            try:
                yield response
            finally:
                await response.aclose()
        except (httpx2.HTTPError, ConfigError, OSError, KeyError, json.JSONDecodeError) as error:
            raise of_failure(self.access, error) from error


class _HandshakeGuard:
    """Observer of a request that closes its connection if it is cancelled during the TLS handshake.

    httpcore closes it only after errors, so that it would stay open until it is collected.
    """

    def __init__(self) -> None:
        self._stream: Any = None

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of one step of the request, as httpcore's extension `trace` tells it."""
        if event == "connection.connect_tcp.complete":
            self._stream = info["return_value"]
        elif event == "connection.start_tls.failed":
            await self._stream.aclose()


async def _in_time(answer: Coroutine[Any, Any, httpx2.Response], seconds: float | None) -> httpx2.Response:
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except TimeoutError:
        raise httpx2.ReadTimeout(f"none within {seconds:g} s") from None


async def _body(response: httpx2.Response, limit: int) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > limit:
            raise ValueError(f"its answer is longer than {limit} bytes")
    return bytes(body)


async def _split(response: httpx2.Response) -> AsyncGenerator[list[bytes]]:
    """Yield the lines of a stream; a line without an end is dropped, not kept forever."""
    rest = b""
    async for chunk in response.aiter_bytes():
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            rest = b""
        if lines:
            yield lines
    if rest:
        yield [rest]
