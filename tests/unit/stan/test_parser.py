"""The parser hands over the same messages, however the bytes are cut."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stanlocal.stan.delivery_buffer import DeliveryBuffer
from stanlocal.stan.parser import DirectParser

Seen = list[tuple[str, bytes, bytes]]


class FakeNats:
    """The receiver of a parser; keeps what is not handed over directly."""

    is_connected = True

    def __init__(self) -> None:
        self.stats = {"in_msgs": 0, "in_bytes": 0}
        self.seen: Seen = []

    async def take_message(
        self, number: int, subject: bytes, reply: bytes, data: bytes, headers: Any
    ) -> None:
        self.seen.append((f"sid {number}", subject, data))

    async def take_ping(self) -> None:
        self.seen.append(("ping", b"", b""))

    async def take_pong(self) -> None:
        self.seen.append(("pong", b"", b""))


def message(number: int, subject: bytes, data: bytes, reply: bytes = b"") -> bytes:
    return b"MSG %b %d %b%d\r\n%b\r\n" % (subject, number, reply + b" " if reply else b"", len(data), data)


pieces = st.lists(
    st.one_of(
        st.builds(message, st.integers(1, 3), st.sampled_from([b"a", b"a.b"]), st.binary(max_size=40)),
        st.builds(message, st.just(1), st.just(b"s"), st.binary(max_size=9), st.just(b"_INBOX.r")),
        st.builds(message, st.just(1), st.just(b"long"), st.integers(70_000, 70_001).map(bytes)),
        st.sampled_from([b"PING\r\n", b"PONG\r\n", b"+OK\r\n"]),
        st.just(b"HMSG a 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n"),
    ),
    max_size=12,
)


def parsed(stream: bytes, cuts: list[int], tapped: bool, runs: bool = False) -> Seen:
    """Messages seen by the handlers of 1 and 2, and by nats-py, when the stream comes cut there.

    With `runs` those of 1 go to the buffer of a subscription.
    """

    async def run() -> Seen:
        nats = FakeNats()
        parser = DirectParser(nats)  # type: ignore[arg-type]
        for number in (1, 2):

            def handler(
                subject: bytes, data: bytes, reply: bytes, nobody: bool, number: int = number
            ) -> None:
                nats.seen.append((f"sid {number}", subject, data))

            parser.attach(number, handler)
        if runs:
            buffer = DeliveryBuffer(100)
            buffer.kept = Kept(nats.seen)
            parser.attach(1, buffer.receive, buffer.receive_run)
        reader = asyncio.StreamReader()
        if tapped:
            parser.tap(reader)
        edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
        for begin, end in pairwise(edges):
            if begin == end:
                continue
            reader.feed_data(stream[begin:end])
            while reader._buffer:  # type: ignore[attr-defined]
                await parser.parse(await reader.read(32768))
        nats.seen.append(("bytes", b"", b"%d" % nats.stats["in_bytes"]))
        return nats.seen

    return asyncio.run(run())


class Kept(deque[bytes]):
    """Deliveries of a subscription, noted like the others when they are kept."""

    def __init__(self, seen: Seen) -> None:
        super().__init__()
        self._seen = seen

    def append(self, data: bytes) -> None:
        self.extend([data])

    def extend(self, run: Iterable[bytes]) -> None:
        self._seen += (("sid 1", b"", data) for data in run)


@given(pieces, st.lists(st.integers(0, 100_000), max_size=6))
def test_however_it_is_cut_the_same_is_seen_in_the_same_order(parts: list[bytes], cuts: list[int]) -> None:
    """Whole or in pieces, tapped or not: every message once, in order, ours and nats-py's alike."""
    stream = b"".join(parts)
    whole = parsed(stream, [], tapped=False)
    assert len(whole) - 1 == sum(part != b"+OK\r\n" for part in parts)
    assert parsed(stream, cuts, tapped=False) == whole
    assert parsed(stream, cuts, tapped=True) == whole


@given(pieces, st.lists(st.integers(0, 100_000), max_size=3))
def test_a_run_of_messages_is_read_like_each_of_them(parts: list[bytes], cuts: list[int]) -> None:
    """A subscription that takes what follows in the same read gets the same, in the same order."""
    stream = b"".join(part for part in parts for _ in range(2))  # runs of two at least
    singly = [(kind, data) for kind, _, data in parsed(stream, cuts, tapped=False)]
    assert [(kind, data) for kind, _, data in parsed(stream, cuts, tapped=False, runs=True)] == singly
