"""Time until a server's first line reaches a client, and answers that count as none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from stanlocal.faults.connect_latency import seconds_to_info
from tests.unit.faults.instances import PLAN

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"INFO {}\r\n")
    await writer.drain()
    writer.close()


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"INF")
    writer.close()


async def _reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        await reader.read()
    writer.close()


async def _never_end_the_line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"x" * 200_000)
    writer.close()


async def greeting_of(handler: Handler) -> float | None:
    async with await asyncio.start_server(handler, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        return await seconds_to_info(PLAN, replace(PLAN.nodes[0], client_port=port), 0.2)


async def test_a_greeting_is_timed() -> None:
    took = await greeting_of(_greet)
    assert took is not None
    assert 0 < took < 0.2


@pytest.mark.parametrize("handler", [_hang_up, _reset, _say_nothing, _never_end_the_line])
async def test_whatever_else_comes_is_none(handler: Handler) -> None:
    assert await greeting_of(handler) is None


async def test_a_port_without_a_listener_has_no_latency(unused_tcp_port: int) -> None:
    assert await seconds_to_info(PLAN, replace(PLAN.nodes[0], client_port=unused_tcp_port), 1) is None
