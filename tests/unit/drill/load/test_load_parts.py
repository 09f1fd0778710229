"""The pure parts of a load: its spec and roster, its messages, what is missing, silences, outages, runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.drill.analysis.missing import Missing, key
from stanlocal.drill.analysis.runs import runs
from stanlocal.drill.load import payload
from stanlocal.drill.load.load_meter import LoadMeter
from stanlocal.drill.scenario.spec import LARGEST, LoadSpec
from stanlocal.store.format.encryption import looks_encrypted
from tests.unit.drill.story import START, Story

MS = 1_000_000


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        (LoadSpec(), []),
        (LoadSpec(rate=0.5, queue=3, sizes=(14, LARGEST)), []),
        (LoadSpec(publishers=0), ["publishers is 0: give a whole number from 1 to 1000",
                                  "publishers is 0 for 1 channels: each channel needs one"]),
        (LoadSpec(channels=("a", "b", "c")), ["publishers is 2 for 3 channels: each channel needs one"]),
        (LoadSpec(channels=("a", "a")), ["channels has 2 names: give 1 to 1000, each once"]),
        (LoadSpec(channels=("a b",)), ["invalid channel 'a b': ' ' is not allowed; "
                                       "STAN channels have no wildcards, spaces or '/'"]),
        (LoadSpec(rate=0), ["rate is 0: give more than 0 and at most 1000000 messages a second, or none"]),
        (LoadSpec(sizes=(13,)), ["a size is 13: give whole bytes from 14 to 1000000"]),
        (LoadSpec(sizes=()), ["sizes has 0 values: give 1 to 1000"]),
        (LoadSpec(plain=0, durable=0), ["there is no subscriber: give plain, durable or queue at least 1"]),
        (LoadSpec(window=True, ack_wait=0), ["window is True: give a whole number from 1 to 1000",
                                             "ack_wait is 0: give a whole number from 1 to 1000"]),
    ],
)  # fmt: skip
def test_a_load_reports_all_its_problems(spec: LoadSpec, problems: Sequence[str]) -> None:
    """All problems are reported, one line each."""
    assert spec.problems() == list(problems)


def test_a_roster() -> None:
    """Numbers go to plain, durable, the members of the queue group, and last to the audit."""
    roster = LoadSpec(channels=("a", "b"), publishers=3, plain=1, durable=2, queue=2).roster()
    assert roster.publishers == ("a", "b", "a")
    assert [each.name for each in roster.audiences] == ["plain-0", "durable-0", "durable-1", "queue", "audit"]
    assert [(each.name, each.audience) for each in roster.readers] == [
        ("plain-0", 0), ("durable-0", 1), ("durable-1", 2), ("queue-0", 3), ("queue-1", 3), ("audit", 4),
    ]  # fmt: skip


MESSAGES = st.tuples(
    st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1), st.integers(14, 300)
)


@given(MESSAGES)
def test_a_message_is_read_as_it_was_made(message: tuple[int, int, int, int]) -> None:
    """Data has the requested size, and another drill does not take it for its own."""
    run, publisher, number, size = message
    data = payload.make(*message)
    assert len(data) == size
    assert payload.read(run, data) == (publisher, number)
    assert payload.read(run ^ 1, data) is None


@given(MESSAGES, st.data())
def test_a_damaged_message_is_none(message: tuple[int, int, int, int], data: st.DataObject) -> None:
    """Whatever single byte is wrong, and wherever it is cut."""
    whole = payload.make(*message)
    damaged = bytearray(whole)
    damaged[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    assert payload.read(message[0], bytes(damaged)) is None
    assert payload.read(message[0], whole[: data.draw(st.integers(0, len(whole) - 1))]) is None


def test_no_message_of_a_drill_looks_encrypted_to_a_reader_of_stores() -> None:
    drawn = [payload.make(payload.draw_run(), 0, number, 128) for number in range(1, 1_000)]
    assert not [each for each in drawn if looks_encrypted(each)]


@given(st.lists(st.tuples(st.sampled_from("padg"), st.integers(0, 5), st.integers(0, 1))))
def test_missing_messages_are_counted_at_any_time(steps: list[tuple[str, int, int]]) -> None:
    """A message is missing while it is acknowledged and some audience lacks it, whichever came first."""
    missing = Missing(2)
    published: set[int] = set()
    answered: set[int] = set()
    acked: set[int] = set()
    had: set[tuple[int, int]] = set()
    for kind, number, audience in steps:
        message = key(1, number)
        if kind == "p" and number not in published:
            published.add(number)
            missing.published(message)
        elif kind in "ag" and number in published - answered:
            answered.add(number)
            if kind == "a":
                acked.add(number)
                missing.acked(message)
            else:
                missing.given_up(message)
        elif kind == "d" and number in published:
            had.add((audience, number))
            missing.delivered(audience, message)
        expected = sum((audience, number) not in had for number in acked for audience in (0, 1))
        assert len(missing) == expected


def test_nothing_is_kept_of_what_is_through() -> None:
    """Messages that are answered and delivered, or given up, take no room."""
    meter = LoadMeter(1)
    for number in range(1, 1001):
        meter.published(0, number, number)
        meter.delivered(0, 0, number)
        if number % 2:
            meter.acked(0, number, number)
        else:
            meter.failed(0, number, number)
    kept = [getattr(meter.missing, name) for name in Missing.__slots__]
    assert kept == [[set()], set(), [set()]]


def test_an_outage_begins_with_its_fault() -> None:
    """The first fault since the last ack, or hardly before it, begins an outage; else a publish does."""
    story = Story().publish(0, 1).ack(0, 1).note("fault", name="kill")
    story.later(20).publish(0, 2).later(400).ack(0, 2)
    story.later(1000).publish(0, 3).later(400).ack(0, 3)
    story.publish(0, 4).note("fault", name="pause").ack(0, 4).publish(0, 5).note("fault", name="kill")
    story.later(400).ack(0, 5)
    together = [each for each in story.findings().outages if each.publisher is None]
    assert [(each.fault, each.ms, each.began - START) for each in together] == [
        ("kill", 422.0, timedelta(milliseconds=3)),
        (None, 401.0, timedelta(milliseconds=1426)),
        ("pause", 404.0, timedelta(milliseconds=1829)),
    ]


def test_a_fault_in_the_middle_of_an_outage_did_not_begin_it() -> None:
    """The time long before the fault counts, too."""
    story = Story().publish(0, 1).later(700).note("fault", name="kill").later(8).ack(0, 1)
    (outage,) = (each for each in story.findings().outages if each.publisher is None)
    assert (outage.fault, outage.ms, outage.began - START) == ("kill", 710.0, timedelta(milliseconds=1))


def test_each_publisher_sees_its_own_outages() -> None:
    """A publisher that is not served while others are has an outage of its own."""
    story = Story().publish(0, 1).publish(1, 1)
    for number in range(2, 60):
        story.later(5).ack(0, number - 1).publish(0, number)
    outages = story.ack(1, 1).findings().outages
    assert [(each.publisher, each.ms > 400) for each in outages] == [(1, True)]


@given(st.sets(st.integers(0, 50)))
def test_runs_are_the_numbers(numbers: set[int]) -> None:
    """Runs cover all the numbers, no others, in as few runs as possible."""
    found = list(runs(sorted(numbers)))
    assert {number for first, last in found for number in range(first, last + 1)} == numbers
    assert all(first - last > 1 for (_, last), (first, _) in pairwise(found))


def test_runs_of_one_kind() -> None:
    """A new run begins where the kind changes."""
    assert list(runs([1, 2, 3, 4, 6], lambda number: number > 2)) == [(1, 2), (3, 4), (6, 6)]
