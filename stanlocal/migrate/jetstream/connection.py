"""A connection to a JetStream server, and the requests of its API that a migration needs.

The API is JSON over NATS subjects (nats-server, server/jetstream_api.go).
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, NoReturn

from stanlocal.errors import JetStreamError
from stanlocal.stan.failure_text import failure_text
from stanlocal.stan.nats_adapter import NatsAdapter, NatsError
from stanlocal.util.printable import printable

_LOGIN = re.compile(r"//[^/@\s]*@")
"""The login in a URL, which no message shows."""
_TIMEOUT_S = 10.0
_CONNECT_S = 5.0
_INTEREST_S = 1.0
"""Seconds in which all servers of a cluster learn who serves a subject."""
_ATTEMPTS, _PAUSE_S = 4, 0.5
"""Attempts at a server, and seconds between two."""
_NOT_FOUND = frozenset({10059, 10014})
"""Error codes for no such stream, and no such consumer (server/errors.json)."""


class JetStream:
    """An open connection."""

    def __init__(self, adapter: NatsAdapter, url: str) -> None:
        self.adapter = adapter
        self.url = url
        self._waiting: set[asyncio.Future[None]] = set()

    def lost(self) -> None:
        """Fail every request that waits: the connection was lost, and the answer with it."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def until_lost(self) -> NoReturn:
        """Wait until the connection is lost; raises `JetStreamError` then."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            await waiting
        finally:
            self._waiting.discard(waiting)
        raise self._was_lost()

    @property
    def version(self) -> tuple[int, ...]:
        """Version of the server that is connected to."""
        version = self.adapter.client.connected_server_version
        return (version.major, version.minor, version.patch)

    @property
    def max_payload(self) -> int:
        """Bytes of the largest message that the server takes."""
        return self.adapter.client.max_payload

    def inbox(self) -> str:
        """Return a subject that only this connection listens to."""
        return str(self.adapter.client.new_inbox())

    async def ask(self, subject: str, request: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a request of the API; `subject` is what follows `$JS.API.`. Raises `JetStreamError`."""
        payload = json.dumps(request).encode() if request is not None else b""
        return self.answer(await self.send(f"$JS.API.{subject}", payload), subject)

    async def send(self, subject: str, payload: bytes, timeout: float = _TIMEOUT_S) -> bytes:
        """Send a request to a subject, and return the answer; raises `JetStreamError` without one."""
        try:
            answer = await self._unless_lost(self._request(subject, payload, timeout))
        except TimeoutError as error:
            raise JetStreamError(
                f"{self.url} did not answer {subject} within {timeout:g} s; look at the server's log"
            ) from error
        except (NatsError, OSError) as error:
            raise JetStreamError(f"{self.url}: {error}; see the server's log, and run it again") from error
        if answer is None:
            raise JetStreamError(
                f"{self.url} has no JetStream for this login; add 'jetstream {{}}' to its configuration"
            )
        return answer

    async def _unless_lost(self, request: Coroutine[Any, Any, bytes | None]) -> bytes | None:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        working = asyncio.ensure_future(request)
        self._waiting.add(waiting)
        try:
            either: set[asyncio.Future[Any]] = {working, waiting}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise self._was_lost()
            return working.result()
        finally:
            self._waiting.discard(waiting)
            working.cancel()

    def _was_lost(self) -> JetStreamError:
        return JetStreamError(f"the connection to {self.url} was lost; look at the server, and run it again")

    async def _request(self, subject: str, payload: bytes, timeout: float) -> bytes | None:
        """Return the answer; None if no one serves the subject.

        In a cluster another server may serve it, and the one connected to may not know yet.
        """
        end = time.monotonic() + _INTEREST_S
        while True:
            answer = await self.adapter.request(subject, payload, timeout)
            if answer is not None or time.monotonic() > end:
                return answer
            await asyncio.sleep(_INTEREST_S / 20)

    def answer(self, payload: bytes, subject: str) -> dict[str, Any]:
        """Decode an answer; raises `JetStreamError` for an error in it."""
        try:
            document = json.loads(payload)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise JetStreamError(
                f"{self.url} answered {subject} with what is no JSON object; is it a NATS server?"
            )
        error = document.get("error")
        if isinstance(error, dict):
            text = printable(str(error.get("description", "an error without a description")))
            raise JetStreamError(f"{self.url} refused {subject}: {text}", error.get("err_code"))
        return document

    async def stream(self, name: str) -> dict[str, Any] | None:
        """Return a stream's configuration and state; None if there is no such stream."""
        return await self._found(f"STREAM.INFO.{name}")

    async def streams(self) -> list[dict[str, Any]]:
        """Return the configuration and state of every stream."""
        found: list[dict[str, Any]] = []
        while True:
            page = await self.ask("STREAM.LIST", {"offset": len(found)})
            some = page.get("streams") or []
            found += some
            if not some or len(found) >= page.get("total", 0):
                return found

    async def consumer(self, stream: str, name: str) -> dict[str, Any] | None:
        """Return a consumer's configuration and positions; None if there is no such consumer."""
        return await self._found(f"CONSUMER.INFO.{stream}.{name}")

    async def _found(self, subject: str) -> dict[str, Any] | None:
        try:
            return await self.ask(subject)
        except JetStreamError as error:
            if error.code in _NOT_FOUND:
                return None
            raise

    async def delete_stream(self, name: str) -> None:
        """Delete a stream with everything in it."""
        await self.ask(f"STREAM.DELETE.{name}")


@asynccontextmanager
async def connected(url: str, login: Mapping[str, Any] | None = None) -> AsyncIterator[JetStream]:
    """Connect to a server, or one of several with commas between them; raises `JetStreamError`.

    `login` has the options of a NATS connection, as `access.nats_options` makes them.
    """
    adapter, shown = NatsAdapter.own(), printable(_LOGIN.sub("//", url))
    server = JetStream(adapter, shown)
    last: list[Exception] = []

    async def keep(error: Exception) -> None:
        """Keep the last error: what ends the connecting says only that no server is left."""
        last[:] = [error]

    async def lost() -> None:
        server.lost()

    try:
        try:
            await adapter.connect(
                servers=url.split(","),
                name="stanlocal migrate",
                connect_timeout=_CONNECT_S,
                allow_reconnect=True,
                max_reconnect_attempts=_ATTEMPTS,
                reconnect_time_wait=_PAUSE_S,
                error_cb=keep,
                disconnected_cb=lost,
                **(login or {}),
            )
        except (NatsError, OSError, TimeoutError, ValueError) as error:
            reason = printable(_LOGIN.sub("//", failure_text(last[0] if last else error))) or "no answer"
            if adapter.asks_for_authorization and "authorization" not in reason.lower():
                reason += (
                    ", and the server asks for authorization"  # its refusal may be lost with the connection
                )
            raise JetStreamError(
                f"cannot connect to {shown}: {reason}; check '--to', and the login with '--user' or '--creds'"
            ) from error
        yield server
    finally:
        await adapter.close(_CONNECT_S)
