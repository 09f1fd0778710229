"""A server that speaks just enough NATS and STAN to accept a client, and then sends what a test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from stanlocal.stan._pb import stan_pb2 as pb

INFO: dict[str, Any] = {"server_id": "x", "version": "2.9.0", "headers": True, "max_payload": 1048576}
CLUSTER = "c"

Answer = Callable[[bytes], bytes | None]
"""Makes a reply from a request; None: NATS says that no one listens."""


def grant(**changed: Any) -> bytes:
    """A connect response that a client takes, with fields changed."""
    fields: dict[str, Any] = {
        "pub_prefix": "pub",
        "sub_requests": "sub",
        "unsub_requests": "unsub",
        "sub_close_requests": "subclose",
        "close_requests": "close",
        "ping_requests": "ping",
        "ping_interval": 5,
        "ping_max_out": 88,
    }
    return pb.ConnectResponse(**{**fields, **changed}).SerializeToString()


class HostileServer:
    """Serves one client at a time; `info` and `answers` may be changed at any moment."""

    def __init__(self) -> None:
        self.info = b"INFO " + json.dumps(INFO).encode() + b"\r\n"
        self.pong = b"PONG\r\n"
        self.answers: dict[str, Answer] = {
            f"_STAN.discover.{CLUSTER}": lambda _: grant(),
            "sub": lambda _: pb.SubscriptionResponse(ack_inbox="acks").SerializeToString(),
            "ping": lambda _: b"",
            "close": lambda _: b"",
            "subclose": lambda _: b"",
        }
        self.numbers: dict[str, bytes] = {}
        """Subscription numbers by subject."""
        self.connections = 0
        self.lines: list[bytes] = []
        self.published: list[tuple[str, bytes]] = []
        """Subjects and payloads of what clients published."""
        self._arrived = asyncio.Condition()
        self._writer: asyncio.StreamWriter | None = None
        self._serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        task = asyncio.current_task()
        assert task is not None
        self._serving[task] = writer
        self.connections += 1
        writer.write(self.info)
        async with self._arrived:
            self._arrived.notify_all()
        try:
            while line := await reader.readline():
                await self._handle(line, reader, writer)
                async with self._arrived:
                    self._arrived.notify_all()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left, which is all that it can do about such a server
        finally:
            writer.close()
            del self._serving[task]

    async def close(self) -> None:
        """Hang up on every client."""
        for writer in self._serving.values():
            writer.close()
        if self._serving:
            await asyncio.wait(list(self._serving))

    async def _handle(self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines.append(line)
        operation, *fields = line.split()
        if operation == b"PING":
            writer.write(self.pong)
        elif operation == b"SUB":
            self.numbers[fields[0].decode()] = fields[-1]
        elif operation == b"PUB":
            payload = (await reader.readexactly(int(fields[-1]) + 2))[:-2]
            self.published.append((fields[0].decode(), payload))
            if len(fields) == 3:
                self._answer(fields[0].decode(), fields[1].decode(), payload)

    def _answer(self, subject: str, reply: str, payload: bytes) -> None:
        answer = self.answers.get(subject)
        if answer is not None:
            inbox = f"{reply.rpartition('.')[0]}.*"
            said = answer(payload)
            if said is None:
                self.no_responders(self.numbers[inbox], reply.encode())
            else:
                self.message(self.numbers[inbox], reply.encode(), said)

    def send(self, data: bytes) -> None:
        """Send bytes to the client that is connected."""
        assert self._writer is not None
        self._writer.write(data)

    def no_responders(self, number: bytes, subject: bytes) -> None:
        """Say that no one listens, as NATS itself does."""
        self.send(b"HMSG %b %b 16 16\r\nNATS/1.0 503\r\n\r\n\r\n" % (subject, number))

    def message(self, number: bytes, subject: bytes, payload: bytes) -> None:
        """Send a message."""
        self.send(b"MSG %b %b %d\r\n%b\r\n" % (subject, number, len(payload), payload))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return once `condition` holds; it is looked at at each connection and each line of a client."""
        async with asyncio.timeout(10), self._arrived:
            await self._arrived.wait_for(condition)


@asynccontextmanager
async def hostile_server() -> AsyncIterator[tuple[HostileServer, str]]:
    """The server and its URL."""
    server = HostileServer()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield server, f"nats://127.0.0.1:{port}"
    finally:
        listening.close()
        await server.close()
