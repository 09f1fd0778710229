"""A TCP proxy that can be cut: what a network does to a connection that a firewall forgot."""

from __future__ import annotations

import asyncio
from types import TracebackType


class Proxy:
    """Passes bytes between its own port and another until `cut`; then it refuses and hangs up."""

    def __init__(self, target: int, port: int = 0) -> None:
        self._target = target
        self._wanted_port = port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = port

    async def __aenter__(self) -> Proxy:
        await self.heal()
        return self

    async def heal(self) -> None:
        """Accept connections."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Drop all connections and refuse new ones."""
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._writers |= both
        await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))
        self._writers -= both

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cut()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # the other side's end is this side's end
    finally:
        writer.close()
