"""Output and events of containers, from bytes that come in any pieces to lines in order."""

from __future__ import annotations

import asyncio
import http.client
import json
import struct
import threading
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.engine.docker.streams import (
    AttachSource,
    Demultiplexer,
    LineSplitter,
    Pump,
    Source,
    WaitSource,
    parse_time,
    split_stamped,
)
from stanlocal.errors import EngineUnavailable
from stanlocal.model.instance import RawLine

STAMP = "2026-11-23T09:15:13.751291123Z"
TIME = datetime(2026, 11, 23, 9, 15, 13, 751291, tzinfo=UTC)


def cut(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    """The data in pieces of these sizes, and the rest."""
    for size in sizes:
        piece, data = data[:size], data[size:]
        yield piece
    yield data


def frame(payload: bytes, stream: int = 2) -> bytes:
    return struct.pack(">BxxxL", stream, len(payload)) + payload


SIZES = st.lists(st.integers(1, 30), max_size=60)


@given(st.lists(st.binary(max_size=40)), SIZES)
def test_payloads_are_whole_for_any_pieces(payloads: list[bytes], sizes: list[int]) -> None:
    frames = Demultiplexer()
    got = [data for piece in cut(b"".join(map(frame, payloads)), sizes) for data in frames.feed(piece)]
    assert b"".join(got) == b"".join(payloads)


def test_a_frame_of_four_gigabytes_does_not_fill_the_memory() -> None:
    frames = Demultiplexer()
    head = struct.pack(">BxxxL", 1, 0xFFFFFFFF)
    assert list(frames.feed(head + b"one")) == [b"one"]
    assert list(frames.feed(b"two")) == [b"two"]


@given(st.lists(st.text(st.characters(exclude_characters="\n\r", codec="utf-8"))), SIZES, st.booleans())
def test_lines_are_whole_for_any_pieces(lines: list[str], sizes: list[int], crlf: bool) -> None:
    end = "\r\n" if crlf else "\n"
    splitter, got = LineSplitter(), list[str]()
    for piece in cut("".join(line + end for line in lines).encode(), sizes):
        got += splitter.feed(piece)
    assert got + splitter.end() == lines


def test_a_last_line_without_end_is_passed_on_at_the_end() -> None:
    splitter = LineSplitter()
    assert splitter.feed(b"panic: ft") == []
    assert splitter.end() == ["panic: ft"]
    assert splitter.end() == []


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    splitter, lines = LineSplitter(), list[str]()
    for _ in range(40):
        lines += splitter.feed(b"x" * 100_000)
    lines += splitter.end()
    assert len(lines) > 1
    assert max(map(len, lines)) < 2_000_000
    assert "".join(lines) == "x" * 4_000_000


def test_bytes_that_are_not_utf8_are_replaced() -> None:
    assert LineSplitter().feed(b"a\xff\xfeb\n") == ["a\ufffd\ufffdb"]


@pytest.mark.parametrize(
    ("stamp", "time"),
    [
        (STAMP, TIME),
        ("2026-11-23T09:15:13Z", TIME.replace(microsecond=0)),
        ("2026-11-23T09:15:13.5Z", TIME.replace(microsecond=500_000)),
    ],
)
def test_the_engines_times_have_any_number_of_decimals(stamp: str, time: datetime) -> None:
    assert parse_time(stamp) == time


@given(st.lists(st.text(st.characters(exclude_characters="\n\r", codec="utf-8"))))
def test_stamped_lines_are_split_at_line_ends_only(lines: list[str]) -> None:
    output = "".join(f"{STAMP} {line}\n" for line in lines).encode()
    found = split_stamped([output[:9], output[9:]])
    assert [(line.time, line.text) for line in found] == [(TIME, line) for line in lines]


def test_kept_and_live_lines_read_the_same() -> None:
    written = "one\r\n\x0btwo\x85\u2028\n\n\tthree \n"
    live = LineSplitter().feed(written.encode())
    kept = "".join(f"{STAMP} {line}\n" for line in written.split("\n")[:-1]).encode()
    assert [line.text for line in split_stamped([kept])] == live


# Sources


class Body:
    """An answer's body that comes in pieces, and can be shut down while it is read."""

    def __init__(self, *pieces: bytes | Exception, endless: bool = False) -> None:
        self._pieces = list(pieces)
        self._endless = endless
        self.down = threading.Event()
        self.closed = False

    def read1(self, size: int) -> bytes:
        if self._pieces:
            piece = self._pieces.pop(0)
            if isinstance(piece, Exception):
                raise piece
            return piece
        if self._endless:
            assert self.down.wait(5), "it was not shut down"
        return b""

    def read(self, size: int) -> bytes:
        return b"".join(iter(lambda: self.read1(0), b""))[:size]

    def shutdown(self) -> None:
        self.down.set()

    def close(self) -> None:
        self.closed = True


def test_an_attach_stream_begins_with_an_empty_batch_and_gives_lines() -> None:
    body = Body(frame(b"one\ntw"), frame(b"o\n")[:5], frame(b"o\n")[5:], frame(b"rest"))
    batches = list(AttachSource(body))
    assert [[line.text for line in batch] for batch in batches] == [[], ["one"], ["two"], ["rest"]]
    assert all(line.time.tzinfo is UTC for batch in batches for line in batch)


def test_an_answered_wait_is_the_exit_code() -> None:
    body = Body(json.dumps({"StatusCode": 137, "Error": None}).encode())
    assert list(WaitSource(body)) == [137]


def test_interrupting_an_ended_source_is_no_error() -> None:
    class Ended(Body):
        def shutdown(self) -> None:
            raise OSError("not connected")

    AttachSource(Ended()).interrupt()


# Pumps


class Numbers(Source[int]):
    """A source of numbers instead of an answer's."""

    def __init__(self, numbers: Iterable[int], body: Body | None = None) -> None:
        super().__init__(body or Body())
        self._numbers = numbers

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers)


async def test_a_pump_hands_over_everything_in_order_and_closes_the_body() -> None:
    body = Body()
    pump = Pump("p", Numbers(range(1000), body))
    assert [item async for item in pump.items()] == list(range(1000))
    assert body.closed


async def test_a_pump_waits_for_a_slow_reader() -> None:
    taken = 0

    def numbers() -> Iterator[int]:
        nonlocal taken
        while taken < 1000:
            taken += 1
            yield taken

    async with aclosing(Pump("p", Numbers(numbers())).items()) as items:
        for wanted in range(1, 51):
            assert await anext(items) == wanted
            assert taken <= wanted + 6  # four that are queued, one in hand, one to come


async def test_closing_a_pump_ends_its_thread() -> None:
    body = Body(frame(b"one\n"), endless=True)
    source = AttachSource(body)
    async with aclosing(Pump("p-closing", source).items()) as items:
        await anext(items)
        (line,) = await anext(items)
        assert line.text == "one"
        (thread,) = (thread for thread in threading.enumerate() if thread.name == "p-closing")
    await asyncio.to_thread(thread.join, 5)
    assert not thread.is_alive()
    assert body.closed


async def test_closing_a_pump_whose_reader_is_behind_ends_its_thread() -> None:
    full = threading.Event()

    def numbers() -> Iterator[int]:
        yield from range(5)  # the first is taken, four are queued
        full.set()
        yield 5  # for this one there is no room

    body = Body()
    async with aclosing(Pump("p-behind", Numbers(numbers(), body), look_s=0.01).items()) as items:
        assert await anext(items) == 0
        (thread,) = (thread for thread in threading.enumerate() if thread.name == "p-behind")
        assert await asyncio.to_thread(full.wait, 5)
    await asyncio.to_thread(thread.join, 5)
    assert not thread.is_alive()
    assert body.closed


class Late(AttachSource):
    """A stream whose thread gets to read it only when it may go on."""

    def __init__(self, body: Body) -> None:
        super().__init__(body)
        self.may_go_on = threading.Event()

    def __iter__(self) -> Iterator[list[RawLine]]:
        assert self.may_go_on.wait(5)
        yield from super().__iter__()


async def test_a_reader_that_is_cancelled_before_the_thread_reads_leaves_no_body_open() -> None:
    body = Body(endless=True)
    source = Late(body)

    async def read() -> None:
        async for _ in Pump("p-late", source).items():
            raise AssertionError("nothing was read")

    task = asyncio.create_task(read())
    await asyncio.sleep(0)
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "p-late")
    task.cancel()
    await asyncio.wait([task])
    source.may_go_on.set()
    await asyncio.to_thread(thread.join, 5)
    assert not thread.is_alive()
    assert body.closed


async def test_a_reader_that_is_cancelled_ends_the_thread_too() -> None:
    body = Body(endless=True)
    source = AttachSource(body)

    async def read() -> None:
        async for _ in Pump("p-cancelled", source).items():
            reading.set()

    reading = asyncio.Event()
    task = asyncio.create_task(read())
    await reading.wait()
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "p-cancelled")
    task.cancel()
    await asyncio.wait([task])
    await asyncio.to_thread(thread.join, 5)
    assert not thread.is_alive()
    assert body.closed


def test_a_loop_that_ends_under_a_pump_leaves_no_body_open() -> None:
    body = Body()

    async def read() -> tuple[threading.Thread, AsyncGenerator[int]]:
        items = Pump("p-orphan", Numbers(range(1000), body), look_s=0.01).items()
        assert await anext(items) == 0
        return next(thread for thread in threading.enumerate() if thread.name == "p-orphan"), items

    loop = asyncio.new_event_loop()
    thread, items = loop.run_until_complete(read())
    loop.close()
    thread.join(5)
    assert body.closed
    del items  # only now: its end would have ended the thread


async def test_without_another_thread_no_body_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    body = Body()
    pump = Pump("p", Numbers((), body))
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="new thread"):
        await anext(pump.items())
    assert body.closed


@pytest.mark.parametrize(
    "broken", [http.client.IncompleteRead(b""), ConnectionResetError("reset"), ValueError("bad")]
)
async def test_a_connection_that_breaks_ends_the_items_with_our_error(broken: Exception) -> None:
    body = Body(frame(b"one\n"), broken)
    source = AttachSource(body)
    async with aclosing(Pump("p", source).items()) as batches:
        assert await anext(batches) == []
        assert [line.text for line in await anext(batches)] == ["one"]
        with pytest.raises(EngineUnavailable):
            await anext(batches)
    assert body.closed


@pytest.mark.parametrize(
    "answer",
    [
        b'{"Status',
        b"[]",
        b"{}",
        b'{"StatusCode": null}',
        b"[" * 50_000,
        b'{"StatusCode": ' + b" " * (1 << 20) + b"1}",
    ],
)
async def test_an_answer_without_an_exit_code_is_an_error(answer: bytes) -> None:
    source = WaitSource(Body(answer))
    with pytest.raises(EngineUnavailable):
        await anext(Pump("p", source).items())


async def test_an_error_in_a_source_does_not_leave_its_reader_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reported = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: reported.set())

    def numbers() -> Iterator[int]:
        yield 1
        raise KeyError("Actor")

    async with asyncio.timeout(5):
        assert [item async for item in Pump("p", Numbers(numbers())).items()] == [1]
    assert await asyncio.to_thread(reported.wait, 5)
