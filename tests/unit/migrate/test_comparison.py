"""The comparison finds every planted difference, and nothing where there is none."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.migrate.comparison import (
    Delivered,
    Differences,
    Kind,
    MessageComparison,
    compare_consumer,
    compare_stream,
)
from stanlocal.migrate.published import headers_of
from stanlocal.migrate.stream_plan import ConsumerPlan, StreamPlan
from stanlocal.store.format.bulk_messages import BulkMessage
from tests.unit.migrate.made import channel, durable

MESSAGES: list[BulkMessage] = [(n, 1_000 + n, b"data %d" % n) for n in (3, 4, 5, 9, 10, 11)]


def _delivered(messages: list[BulkMessage]) -> list[Delivered]:
    return [Delivered(*message, b"orders", b"") for message in messages]


def _compare(
    expected: list[BulkMessage], found: list[Delivered], sizes: list[int]
) -> tuple[int, Differences]:
    differences = Differences()
    comparison = MessageComparison("orders", iter([expected[:2], expected[2:]]), differences)
    at = 0
    for size in [*sizes, len(found)]:
        if found[at : at + size]:
            comparison.compare(found[at : at + size])
        at += size
    comparison.finish()
    return comparison.equal, differences


SIZES = st.lists(st.integers(1, 4), max_size=6)


@given(SIZES)
def test_equal_messages_have_no_difference(sizes: list[int]) -> None:
    equal, differences = _compare(MESSAGES, _delivered(MESSAGES), sizes)
    assert (equal, differences.listed) == (len(MESSAGES), [])


@given(SIZES, st.integers(0, len(MESSAGES)))
def test_messages_that_a_relay_added_have_their_time_in_a_header(sizes: list[int], restored: int) -> None:
    found = _delivered(MESSAGES)
    for place in range(restored, len(found)):
        sequence, time, *_ = found[place]
        found[place] = found[place]._replace(time=time + 7, headers=headers_of(sequence, time))
    assert _compare(MESSAGES, found, sizes)[1].listed == []
    if restored < len(found):
        found[-1] = found[-1]._replace(headers=headers_of(11, 1))
        assert _compare(MESSAGES, found, sizes)[1].counts == {Kind.HEADERS: 1}


def test_the_time_for_a_difference_does_not_grow_with_those_before_it() -> None:
    """Where every batch differs, each is compared as fast as the first."""
    count = 100_000
    differences = Differences()
    expected = [[(sequence, 1, b"data")] for sequence in range(1, count + 1)]
    comparison = MessageComparison("orders", iter(expected), differences)
    began = time.process_time()
    for sequence in range(1, count + 1):
        comparison.compare([Delivered(sequence, 1, b"other", b"orders", b"")])
    comparison.finish()
    assert differences.counts == {Kind.DATA: count}
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        (lambda m: m.pop(2), {Kind.MISSING: 1}),
        (lambda m: m.pop(0), {Kind.MISSING: 1}),
        (lambda m: m.pop(), {Kind.MISSING: 1}),
        (lambda m: m.insert(3, Delivered(6, 1, b"", b"orders", b"")), {Kind.EXTRA: 1}),
        (lambda m: m.append(Delivered(12, 1, b"", b"orders", b"")), {Kind.EXTRA: 1}),
        (lambda m: m.__setitem__(1, m[1]._replace(time=m[1].time + 1)), {Kind.TIME: 1}),
        (lambda m: m.__setitem__(1, m[1]._replace(data=b"data 5")), {Kind.DATA: 1}),
        (lambda m: m.__setitem__(1, m[1]._replace(data=b"data")), {Kind.DATA: 1}),
        (lambda m: m.__setitem__(5, m[5]._replace(subject=b"other")), {Kind.SUBJECT: 1}),
        (lambda m: m.__setitem__(5, m[5]._replace(headers=b"NATS/1.0")), {Kind.HEADERS: 1}),
        (
            lambda m: m.__setitem__(
                slice(0, 2),
                [
                    m[0]._replace(data=m[1].data, time=m[1].time),
                    m[1]._replace(data=m[0].data, time=m[0].time),
                ],
            ),
            {Kind.DATA: 2, Kind.TIME: 2},
        ),
        (lambda m: m.clear(), {Kind.MISSING: 6}),
    ],
)
@given(sizes=SIZES)
def test_a_planted_difference_is_found_and_nothing_else(
    change: Any, kinds: dict[Kind, int], sizes: list[int]
) -> None:
    found = _delivered(MESSAGES)
    change(found)
    _, differences = _compare(MESSAGES, found, sizes)
    assert differences.counts == kinds


def test_only_the_first_differences_of_a_kind_are_listed_and_all_are_counted() -> None:
    expected: list[BulkMessage] = [(n, 0, b"") for n in range(1, 101)]
    _, differences = _compare(expected, [], [])
    assert (differences.counts[Kind.MISSING], [each.sequence for each in differences.listed]) == (
        100,
        [1, 2, 3, 4, 5],
    )


PLAN = ConsumerPlan.of(
    "c", channel("orders", first=3, last=11), durable("d", client_id="a", last_sent=10, pending=(5, 9))
)


def _info(**changed: Any) -> dict[str, Any]:
    found = {
        "delivered": 10,
        "ack_floor": 4,
        "num_ack_pending": 2,
        "ack_wait": 30 * 10**9,
        "max_ack_pending": 1024,
    }
    found |= changed
    return {
        "delivered": {"stream_seq": found["delivered"]},
        "ack_floor": {"stream_seq": found["ack_floor"]},
        "num_ack_pending": found["num_ack_pending"],
        "config": {
            "ack_wait": found["ack_wait"],
            "max_ack_pending": found["max_ack_pending"],
            "deliver_policy": "by_start_sequence" if "start" in found else "all",
            "opt_start_seq": found.get("start", 0),
        },
    }


@pytest.mark.parametrize(
    ("info", "pending", "kinds"),
    [
        (_info(), {5, 9}, set()),
        (_info(), None, set()),
        (None, None, {Kind.CONSUMER_MISSING}),
        (_info(delivered=9), {5, 9}, {Kind.DELIVERED}),
        (_info(ack_floor=5), {5, 9}, {Kind.ACK_FLOOR}),
        (_info(ack_floor=0, start=5), {5, 9}, set()),
        (_info(ack_floor=0, start=6), {5, 9}, {Kind.ACK_FLOOR}),
        (_info(), {5}, {Kind.PENDING}),
        (_info(), {5, 8}, {Kind.PENDING}),
        (_info(), {5, 9, 10}, {Kind.PENDING}),
        (_info(num_ack_pending=3), None, {Kind.PENDING}),
        (_info(ack_wait=1), {5, 9}, {Kind.ACK_WAIT}),
        (_info(max_ack_pending=1), {5, 9}, {Kind.MAX_ACK_PENDING}),
    ],
)
def test_a_consumer_that_differs_is_found(
    info: dict[str, Any] | None, pending: set[int] | None, kinds: set[Kind]
) -> None:
    differences = Differences()
    compare_consumer(PLAN, info, frozenset(pending) if pending is not None else None, differences)
    assert set(differences.counts) == kinds


@pytest.mark.parametrize(
    ("info", "kinds"),
    [
        ({"config": {"subjects": ["orders"]}, "state": {"last_seq": 11}}, set()),
        ({"config": {"subjects": ["orders"]}, "state": {"last_seq": 12}}, {Kind.LAST_SEQUENCE}),
        ({"config": {"subjects": ["orders", "b"]}, "state": {"last_seq": 11}}, {Kind.SUBJECTS}),
        (None, {Kind.STREAM_MISSING}),
    ],
)
def test_a_stream_that_differs_is_found(info: dict[str, Any] | None, kinds: set[Kind]) -> None:
    differences = Differences()
    there = compare_stream(StreamPlan("s", channel("orders", last=11), ()), info, differences)
    assert (there, set(differences.counts)) == (info is not None, kinds)
