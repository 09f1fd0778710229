"""Answers that an engine streams: none stays open, whenever its reader is cancelled."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from stanlocal.engine.docker.endpoint import Endpoint
from stanlocal.engine.docker.engine import DockerEngine
from stanlocal.engine.docker.ping import Answer, Target
from stanlocal.errors import EngineUnavailable, NodeNotFound
from tests.support.fake_socket import FakeSocket, fake_socket

STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = {
    "Type": "container",
    "Action": "start",
    "timeNano": 1,
    "Actor": {"Attributes": {"dev.stanlocal.node": "g-0"}},
}

Streams = Callable[[DockerEngine], AsyncGenerator[Any]]
STREAMS = pytest.mark.parametrize(
    "stream",
    [lambda engine: engine.events("g"), lambda engine: engine.attach("g-0")],
    ids=["events", "attach"],
)


def chunk(text: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(text), text)


class Engines:
    """Engines over sockets that answer everything alike; no socket of theirs may stay open."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "docker.sock"

    def socket(self, reply: bytes, *, hold: bool = True) -> Any:
        return fake_socket(self._path, reply, hold=hold)

    @staticmethod
    def over(fake: FakeSocket) -> DockerEngine:
        return DockerEngine(Endpoint("", Target(fake.url)), Answer("1.41"))


@pytest.fixture
async def engines(tmp_path: Path) -> AsyncIterator[Engines]:
    gc.collect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        yield Engines(tmp_path)
        for thread in threading.enumerate():
            if thread.name.startswith("stanlocal-"):
                await asyncio.to_thread(thread.join, 5)
        gc.collect()
    assert [str(warning.message) for warning in caught if warning.category is ResourceWarning] == []


@STREAMS
async def test_an_answer_that_comes_after_its_reader_was_cancelled_is_closed(
    engines: Engines, stream: Streams
) -> None:
    with engines.socket(STREAM) as fake:
        engine = engines.over(fake)
        reading = asyncio.ensure_future(anext(stream(engine)))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await asyncio.to_thread(fake.hung_up.wait, 5)
        await engine.close()


@STREAMS
async def test_a_stream_ends_with_its_reader(engines: Engines, stream: Streams) -> None:
    with engines.socket(STREAM) as fake:
        engine = engines.over(fake)
        async with aclosing(stream(engine)) as items:
            reading = asyncio.ensure_future(anext(items))
            await asyncio.wait([reading], timeout=0.1)  # until the thread reads, most of the time
            reading.cancel()
            await asyncio.wait([reading])
        assert await asyncio.to_thread(fake.hung_up.wait, 5)
        await engine.close()


@STREAMS
async def test_a_refusal_is_closed(engines: Engines, stream: Streams) -> None:
    body = json.dumps({"message": "No such container: g-0"}).encode()
    with engines.socket(b"HTTP/1.1 404 No\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)) as fake:
        engine = engines.over(fake)
        with pytest.raises(NodeNotFound):
            await anext(stream(engine))
        await engine.close()
        assert await asyncio.to_thread(fake.hung_up.wait, 5)


async def test_events_that_break_off_end_with_our_error(engines: Engines) -> None:
    with engines.socket(STREAM + chunk(json.dumps(EVENT).encode() + b"\n"), hold=False) as fake:
        engine = engines.over(fake)
        with pytest.raises(EngineUnavailable, match="has ended its events"):
            await anext(engine.events("g"))
        await engine.close()


async def test_an_event_that_is_no_object_is_our_error(engines: Engines) -> None:
    with engines.socket(STREAM + chunk(b"[]\n")) as fake:
        engine = engines.over(fake)
        with pytest.raises(EngineUnavailable, match="not a JSON object"):
            await anext(engine.events("g"))
        await engine.close()
