"""A port of 127.0.0.1 whose connections go to one pod.

The port stays while the pod is replaced: each connection goes to the pod that has the name when it is made.
One that cannot be made is reset at once, so that a client tries another node instead of waiting.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from socket import create_server

from stanlocal.engine.kubernetes.forward.channel import Channel
from stanlocal.errors import EngineError
from stanlocal.util.addresses import LOOPBACK

log = logging.getLogger(__name__)

Open = Callable[[], AbstractAsyncContextManager[Channel]]
"""Opens a connection to the pod."""

_MOST_CONNECTIONS = 1024
"""Connections of one port; a further one is reset at once."""
_READ_BYTES = 32 << 10
_OPEN_S = 5.0
"""Seconds for opening a connection; an API server that reaches the machine takes milliseconds."""
_LINGER_S = 1.0
"""Seconds in which the pod's answer is still passed on to a program that has ended its own side: the protocol
has no such end of one direction."""


class NodePort:
    """A listener on 127.0.0.1, and its connections to the pod."""

    def __init__(self, connect: Open, failed: Callable[[], None]) -> None:
        """Take the way to the pod; `failed` is called when a connection could not be made, or broke."""
        self._connect = connect
        self._failed = failed
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, once it listens."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(host), int(port)

    async def listen(self, port: int = 0) -> None:
        """Listen on the port, 0 for any; raises `OSError` if that cannot be."""
        listener = create_server((LOOPBACK, port))  # asyncio's own hides that there are too many open files
        try:
            self._server = await asyncio.start_server(self._accepted, sock=listener, limit=_READ_BYTES)
        except BaseException:
            listener.close()
            raise

    def cut(self) -> None:
        """Reset every connection: the pod that they go to is gone."""
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """Stop listening, and reset every connection."""
        if self._server is not None:
            self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) >= _MOST_CONNECTIONS:
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        in_order = False
        opening = asyncio.timeout(_OPEN_S)
        try:
            async with opening:
                context = self._connect()
                channel = await context.__aenter__()
            try:
                in_order = await _relay(reader, writer, channel)
            finally:
                if not in_order:
                    channel.abort()
                await context.__aexit__(None, None, None)
        except (EngineError, TimeoutError) as error:
            log.debug("no connection to a pod: %s", error)
            self._failed()
        finally:
            if in_order:
                writer.close()
            else:
                writer.transport.abort()


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, channel: Channel) -> bool:
    """Pass bytes on both ways until one side ends; return whether it ended in order.

    Raises `PortClosed` with the reason that the pod's machine gives.
    """
    up = asyncio.create_task(_upwards(reader, channel))
    down = asyncio.create_task(_downwards(channel, writer))
    try:
        await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        if not down.done() and up.exception() is None:
            await asyncio.wait((down,), timeout=_LINGER_S)
        for each in (down, up):
            if each.done() and (error := each.exception()) is not None:
                raise error
    except ConnectionError:
        return False
    finally:
        up.cancel()
        down.cancel()
        await asyncio.gather(up, down, return_exceptions=True)
    return True


async def _upwards(reader: asyncio.StreamReader, channel: Channel) -> None:
    while data := await reader.read(_READ_BYTES):
        await channel.send(data)


async def _downwards(channel: Channel, writer: asyncio.StreamWriter) -> None:
    while data := await channel.receive():
        writer.write(data)
        await writer.drain()
