"""The end of a relay: a cancellation counts whenever it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from stanlocal.errors import JetStreamError
from stanlocal.migrate.relay import relay as module
from stanlocal.migrate.relay.relay import Relay


class Lost:
    """A JetStream server that is lost when the test lets it be."""

    def __init__(self) -> None:
        self.is_lost = asyncio.Event()

    async def until_lost(self) -> None:
        await self.is_lost.wait()
        raise JetStreamError("the connection is lost")


class Slow:
    """A relay of a channel that takes its time to end."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.ending, self.may_end = asyncio.Event(), asyncio.Event()
        self._failure = failure

    async def follow(self, *_: object, **__: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.ending.set()
            await self.may_end.wait()
            if self._failure is not None:
                raise self._failure


def relaying(monkeypatch: pytest.MonkeyPatch, server: Lost, channel: Slow) -> asyncio.Task[None]:
    """Start a relay of one channel."""

    @asynccontextmanager
    async def connected(*_: object) -> AsyncIterator[Any]:
        yield server

    async def find(self: Relay, *_: object) -> None:
        self._relays = {"orders": cast(Any, channel)}

    monkeypatch.setattr(module, "connected", connected)
    monkeypatch.setattr(Relay, "_find", find)
    return asyncio.create_task(Relay(cast(Any, connected), "nats://server:4222").run())


async def test_a_relay_that_is_cancelled_while_it_loses_its_connection_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, channel = Lost(), Slow()
    task = relaying(monkeypatch, server, channel)
    server.is_lost.set()
    await asyncio.wait_for(channel.ending.wait(), 60)
    task.cancel()
    channel.may_end.set()
    done, _ = await asyncio.wait([task], timeout=1)
    task.cancel()
    assert done, "it went on as if it had not been cancelled"
    assert task.cancelled()


async def test_a_defect_of_a_relay_that_ends_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    server, channel = Lost(), Slow(KeyError("x"))
    task = relaying(monkeypatch, server, channel)
    server.is_lost.set()
    channel.may_end.set()
    with pytest.raises(KeyError):
        await asyncio.wait_for(task, 60)
