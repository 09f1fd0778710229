"""A server that greets as a NATS server does, and then sends back whatever it gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Greeter:
    """One run of a server; each has another id."""

    def __init__(self, server_id: str) -> None:
        self.greeting = b'INFO {"server_id":"%b"}\r\n' % server_id.encode()
        self.port = 0
        self.writers: set[asyncio.StreamWriter] = set()
        self.left = asyncio.Event()
        """Set once a client has gone."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        try:
            writer.write(self.greeting)
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
            await writer.drain()
        except ConnectionError:
            pass  # the client reset its connection
        finally:
            self.writers.discard(writer)
            self.left.set()
            writer.close()


@asynccontextmanager
async def greeter(server_id: str) -> AsyncIterator[Greeter]:
    """Run such a server; its connections are reset on the way out."""
    made = Greeter(server_id)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for writer in list(made.writers):
            writer.transport.abort()
