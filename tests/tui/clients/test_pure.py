"""Orders for clients, waits, and counts."""

from __future__ import annotations

import shlex
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.stan import DeliverAll, LastReceived, NewOnly, StartPosition, StartSequence, StartTimeDelta
from stanlocal.stan.errors import InvalidName, InvalidOption
from stanlocal.tui.clients.orders import PublishOrder, Start, SubscribeOrder, publish_order
from stanlocal.tui.clients.reception import Sequences

# Orders


@pytest.mark.parametrize(
    ("form", "order", "words"),
    [
        (("a", "hi", "1", "", ""), PublishOrder("a", "hi", 1, None, 128), "pub a -- hi"),
        (("a", "", "1", "", ""), PublishOrder("a", "", 1, None, 128), "pub a --count 1"),
        (
            ("a.b", "it's", "10", "2.5", ""),
            PublishOrder("a.b", "it's", 10, 2.5, 128),
            "pub a.b --count 10 --rate 2.5 -- " + shlex.quote("it's"),
        ),
        (
            ("a", "", "", "50", "0"),
            PublishOrder("a", "", None, 50.0, 0),
            "pub a --count 1000000000 --rate 50 --size 0",
        ),
    ],
)
def test_a_publish_form_is_an_order_and_a_command(
    form: tuple[str, ...], order: PublishOrder, words: str
) -> None:
    assert publish_order(*form) == order
    assert shlex.join(order.words) == words


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        (("", "x", "1", "", ""), "invalid channel"),
        (("a b", "x", "1", "", ""), "invalid channel"),
        (("a", "x", "0", "", ""), "count '0'"),
        (("a", "x", "-1", "", ""), "count '-1'"),
        (("a", "x", "1", "fast", ""), "rate 'fast'"),
        (("a", "x", "1", "0", ""), "rate '0'"),
        (("a", "x", "1", "inf", ""), "rate 'inf'"),
        (("a", "x", "1", "nan", ""), "rate 'nan'"),
        (("a", "x", "1", "", "1.5"), "size '1.5'"),
        (("a", "x", "٣", "", ""), "count '٣'"),
    ],
)
def test_a_form_that_makes_no_sense_is_refused_with_the_value(form: tuple[str, ...], problem: str) -> None:
    with pytest.raises((InvalidName, InvalidOption), match=problem):
        publish_order(*form)


def test_a_made_up_message_is_its_number_filled_up_to_the_size() -> None:
    order = PublishOrder("a", "", 3, None, 5)
    assert [order.data(number) for number in (0, 1, 123456)] == [b"0 ...", b"1 ...", b"12345"]


@pytest.mark.parametrize(
    ("begin", "place", "start"),
    [
        ("new", "", NewOnly()),
        ("all", "", DeliverAll()),
        ("last", "", LastReceived()),
        ("seq", "7", StartSequence(7)),
        ("since", "5m", StartTimeDelta(timedelta(minutes=5))),
    ],
)
def test_a_subscription_begins_where_the_form_says(begin: Start, place: str, start: StartPosition) -> None:
    order = SubscribeOrder("a", begin, place)
    assert order.start == start
    assert order.words == ["sub", "a", f"--{begin}", *([place] if place else [])]


@pytest.mark.parametrize(("begin", "place"), [("seq", ""), ("seq", "x"), ("since", ""), ("since", "soon")])
def test_a_place_that_is_none_is_refused(begin: Start, place: str) -> None:
    with pytest.raises(InvalidOption, match="give"):
        SubscribeOrder("a", begin, place)


def test_a_durable_has_the_same_client_another_time_and_another_one_for_each_place() -> None:
    def client_id(channel: str, durable: str) -> str | None:
        return SubscribeOrder(channel, durable=durable).client_id

    assert client_id("a.b", "d") == client_id("a.b", "d") == "stanlocal-tui-a_b-d"
    assert client_id("a.b", "e") != client_id("a.b", "d") != client_id("c", "d")
    assert client_id("a", "") is None
    assert SubscribeOrder("a", durable="d", queue="q").client_id is None


def test_subscribe_order_has_a_summary_and_a_command() -> None:
    order = SubscribeOrder("a", "seq", "7", durable="d", manual_ack=True)
    assert order.summary == "seq 7, durable d, manual ack"
    assert shlex.join(order.words) == "sub a --seq 7 --durable d --client-id stanlocal-tui-a-d --manual-ack"


# Counting


@given(st.lists(st.integers(1, 40), max_size=60))
def test_missing_sequences_are_those_that_a_set_lacks(arrivals: list[int]) -> None:
    """Below the first arrival nothing is missing."""
    sequences = Sequences()
    seen: set[int] = set()
    first = arrivals[0] if arrivals else 0
    for sequence in arrivals:
        is_new = sequences.add(sequence)
        assert is_new == (sequence not in seen and sequence >= first)
        seen.add(sequence)
    expected = set(range(first, max(seen, default=0) + 1)) - seen if seen else set()
    assert sequences.missing == len(expected)


def test_a_leap_over_all_sequences_costs_nothing() -> None:
    sequences = Sequences()
    sequences.add(1)
    sequences.add(2**64 - 1)
    assert sequences.missing == 2**64 - 3
