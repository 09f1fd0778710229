"""One connection to a port of a pod, over a WebSocket of the API server.

The protocol is `v4.channel.k8s.io`, which every version of Kubernetes has: a frame begins with the number of
its channel, 0 for data and 1 for what the machine reports as an error, and each channel begins with the port
in two bytes. It cannot end one direction alone.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import wsproto
from httpx2.websockets import AsyncWebSocketSession, HTTPXWSException, WebSocketDisconnect

from stanlocal.engine.kubernetes.api import Api
from stanlocal.errors import EngineError

_PROTOCOL = "v4.channel.k8s.io"
_DATA, _ERROR = 0, 1
_PORT_BYTES = 2
_MOST_BYTES = 256 << 10
"""Limit on a frame; a machine sends at most 32 KiB in one."""
_MOST_WORDS = 600
"""Characters of a machine's error that are kept."""
_PING_EVERY_S = 20.0
_PONG_S = 40.0
"""Seconds for the answer to a ping, which comes behind what the local end has still to read."""
_CLOSE_S = 2.0
"""Seconds in which an API server that reads nothing lets a connection be closed in order."""
_BROKEN = (
    *(HTTPXWSException, wsproto.utilities.ProtocolError, OSError),
    *(anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError),
)
"""Exceptions of a connection that is over, in whatever order its tasks notice."""


class PortClosed(EngineError):
    """The machine reports that a pod's port cannot be reached, or broke off."""


class Channel:
    """A connection to a pod's port; usable by one reader and one writer."""

    def __init__(self, session: AsyncWebSocketSession, stream: Any) -> None:
        self._session = session
        self._stream = stream
        self._heads = {_DATA: _PORT_BYTES, _ERROR: _PORT_BYTES}
        """Bytes of the port that each channel still begins with."""

    async def send(self, data: bytes) -> None:
        """Send bytes to the pod; waits while it reads slower. Raises `ConnectionError` if that is over."""
        try:
            await self._session.send_bytes(bytes((_DATA,)) + data)
        except _BROKEN as error:
            raise ConnectionError(f"the connection through the API server is over: {_text(error)}") from error

    async def receive(self) -> bytes:
        """Return the next bytes from the pod; none at the end of the connection.

        Raises `PortClosed` with the machine's words, and `ConnectionError` if the way there broke.
        """
        while True:
            try:
                event = await self._session.receive()
            except WebSocketDisconnect:
                return b""
            except _BROKEN as error:
                raise ConnectionError(
                    f"the connection through the API server broke: {_text(error)}"
                ) from error
            data = event.data if isinstance(event, wsproto.events.BytesMessage) else b""
            if not data or data[0] not in self._heads:
                raise PortClosed("the API server sent a frame that is none of a forwarded port")
            channel, rest = data[0], bytes(data[1:])
            head = min(self._heads[channel], len(rest))
            self._heads[channel] -= head
            if rest := rest[head:]:
                if channel == _ERROR:
                    raise PortClosed(" ".join(rest[:_MOST_WORDS].decode("utf-8", "replace").split()))
                return rest

    def abort(self) -> None:
        """Cut the connection off without waiting for anything."""
        end = self._stream.get_extra_info("socket")
        if end is not None:
            with suppress(OSError):  # it is closed
                end.shutdown(socket.SHUT_RDWR)


@asynccontextmanager
async def opened(api: Api, pod_path: str, port: int) -> AsyncIterator[Channel]:
    """Connect to a port of the pod with that path in the API, until the end of the block.

    Raises as `Api.read` does. Whether the pod's port is open shows the first `receive`.
    """
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle | None = None
    async with api.upgraded(f"{pod_path}/portforward", {"ports": str(port)}, _PROTOCOL) as response:
        stream = response.extensions["network_stream"]
        session = AsyncWebSocketSession(
            stream,
            max_message_size_bytes=_MOST_BYTES,
            keepalive_ping_interval_seconds=_PING_EVERY_S,
            keepalive_ping_timeout_seconds=_PONG_S,
            response=response,
        )
        channel = Channel(session, stream)
        try:
            async with session:
                try:
                    yield channel
                finally:
                    timer = loop.call_later(_CLOSE_S, channel.abort)
        except BaseExceptionGroup as group:  # the session's own tasks make groups of whatever ends the block
            raise _first(group) from group
        finally:
            if timer is not None:
                timer.cancel()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error in a group, with what the protocol's implementation raises as `PortClosed`."""
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    if isinstance(first, _BROKEN):
        return PortClosed(f"the connection through the API server broke: {_text(first)}")
    return first


def _text(error: BaseException) -> str:
    return " ".join(str(error).split())[:_MOST_WORDS] or type(error).__name__
