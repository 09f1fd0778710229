"""The proof of a stream that has messages before its channel's first one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from stanlocal.migrate import verify as module
from stanlocal.migrate.comparison import Delivered
from stanlocal.migrate.inventory import take_inventory
from stanlocal.migrate.plan import make_plan
from stanlocal.migrate.verify import StreamVerdict, verify
from tests.support.stores import EPOCH, make_store, slice_of

LAST = 8


class _Server:
    """A server with one stream of the channel's messages, from a sequence on."""

    url = "nats://server"

    def __init__(self, first: int) -> None:
        self._first = first

    async def stream(self, name: str) -> dict[str, Any]:
        state = {"first_seq": self._first, "last_seq": LAST, "messages": LAST + 1 - self._first}
        return {"config": {"subjects": ["orders"]}, "state": state}

    async def read(self, stream: str, first: int, last: int) -> AsyncIterator[list[Delivered]]:
        for sequence in range(max(first, self._first), min(last, LAST) + 1):
            yield [Delivered(sequence, EPOCH + sequence * 1_000_000, b"data", b"orders", b"")]


async def _verdict(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, first: int, limits: dict[str, Any] | None
) -> StreamVerdict:
    """Compare a channel with the messages 5 to 8, or fewer by its limits, with a stream from `first` on."""
    monkeypatch.setattr(module, "read_stream", _Server.read)
    store = make_store(folder / "store", [slice_of([b"data"] * 4, first=5)])
    verdict = await verify(make_plan(take_inventory(store, limits)), _Server(first))  # type: ignore[arg-type]
    [stream] = verdict.streams
    return stream


async def test_messages_that_no_limit_can_have_dropped_are_only_in_the_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = await _verdict(tmp_path, monkeypatch, first=2, limits={})
    assert (stream.differences.counts, stream.equal, stream.below_first) == ({"extra": 3}, 4, 0)
    assert [each.sequence for each in stream.differences.listed] == [2, 3, 4]


@pytest.mark.parametrize(
    ("limits", "below", "equal"), [(None, 4, 4), ({"max_msgs": 4}, 4, 4), ({"max_msgs": 3}, 5, 3)]
)
async def test_messages_that_limits_may_have_dropped_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: dict[str, Any] | None, below: int, equal: int
) -> None:
    stream = await _verdict(tmp_path, monkeypatch, first=1, limits=limits)
    assert (stream.ok, stream.below_first, stream.equal) == (True, below, equal)
    assert stream.document()["below_first"] == below


async def test_a_stream_that_begins_with_its_channel_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = await _verdict(tmp_path, monkeypatch, first=5, limits={})
    assert (stream.ok, stream.below_first, stream.equal) == (True, 0, 4)
