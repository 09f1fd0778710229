"""Helpers for tests of failover."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any

import pytest

from stanlocal import Recorder, assert_no_loss
from stanlocal.errors import WaitTimeout


@dataclass
class _Message:
    sequence: int
    data: bytes


def test_what_came_again_or_besides_is_no_loss() -> None:
    assert_no_loss([b"1", b"2"], [b"2", b"1", b"2", b"3"])


def test_messages_count_as_their_payloads() -> None:
    assert_no_loss([b"1"], [_Message(1, b"1")])


def test_a_payload_published_twice_has_to_arrive_twice() -> None:
    with pytest.raises(AssertionError, match="1 of 2 acknowledged messages were not received: b'1'"):
        assert_no_loss([b"1", b"1"], [b"1"])


def test_what_is_lost_is_counted_and_partly_shown() -> None:
    with pytest.raises(AssertionError, match=re.escape("8 of 8") + ".*b'4' and 3 more"):
        assert_no_loss([b"%d" % n for n in range(8)], [])


async def test_a_recorder_notes_what_it_is_given() -> None:
    recorder = Recorder()
    waiting = asyncio.create_task(recorder.wait(2))
    for message in (_Message(1, b"a"), _Message(2, b"b")):
        await recorder(_as_message(message))
    assert await waiting == recorder.data == [b"a", b"b"]
    assert (recorder.sequences, len(recorder)) == ([1, 2], 2)


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_recorder_notes_only_what_the_subscriber_has_handled(asynchronous: bool) -> None:
    handled: list[bytes] = []

    def handle(message: Any) -> None:
        if message.data == b"bad":
            raise ValueError("bad")
        handled.append(message.data)

    async def handle_later(message: Any) -> None:
        await asyncio.sleep(0)
        handle(message)

    recorder = Recorder(handle_later if asynchronous else handle)
    await recorder(_as_message(_Message(1, b"good")))
    with pytest.raises(ValueError, match="bad"):
        await recorder(_as_message(_Message(2, b"bad")))
    assert recorder.data == handled == [b"good"]


async def test_a_wait_that_runs_out_says_how_many_came() -> None:
    recorder = Recorder()
    recorder.note(_Message(1, b"a"))
    with pytest.raises(WaitTimeout, match="2 messages: 1 came within"):
        await recorder.wait(2, timeout=0.01)


def _as_message(message: _Message) -> Any:
    return message
