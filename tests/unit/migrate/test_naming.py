"""Names of streams and consumers: made, chosen, refused, and two things that would get one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.errors import SettingsError
from stanlocal.migrate import naming
from stanlocal.migrate.naming import Names
from tests.unit.migrate.made import channel, durable


@pytest.mark.parametrize(
    ("name", "stream"),
    [
        ("orders", "orders"),
        ("orders.eu", "orders_eu"),
        ("a/b c", "a_b_c"),
        ("größe", "größe"),
        ("a\x1bb", "a_b"),
    ],
)
def test_a_stream_is_named_after_its_channel(name: str, stream: str) -> None:
    assert naming.stream_name(name, Names()) == stream


@given(st.text(min_size=1, max_size=40))
def test_every_name_made_is_one_that_is_not_refused(name: str) -> None:
    made = naming.cleaned(name)
    assert naming.problems_of([("a channel", made)], "stream") == []


@pytest.mark.parametrize(
    ("of", "name"),
    [
        (durable("dur", client_id="app-1"), "app-1_dur"),
        (durable("v1.dur", client_id="app"), "app_v1_dur"),
        (durable("dur", queue_group="workers"), "dur_workers"),
    ],
)
def test_a_consumer_is_named_after_client_and_durable_or_queue_group(of: Any, name: str) -> None:
    assert naming.consumer_name("orders", of, Names()) == name


def test_a_chosen_name_wins_and_an_empty_one_leaves_out() -> None:
    names = Names.of({"streams": {"orders": "ORDERS", "old": ""}, "consumers": {"orders": {"app/dur": "D"}}})
    assert naming.stream_name("orders", names) == "ORDERS"
    assert naming.stream_name("old", names) == ""
    assert naming.consumer_name("orders", durable("dur", client_id="app"), names) == "D"


def test_two_channels_with_one_name_are_an_error_that_names_both() -> None:
    named = [("channel a.b", "a_b"), ("channel a_b", "a_b")]
    [problem] = naming.problems_of(named, "stream")
    assert problem.startswith("channel a.b and channel a_b would both be the stream 'a_b'")


@pytest.mark.parametrize("name", ["a.b", "a b", "a*", "", "x" * 256, "a/b"])
def test_a_chosen_name_that_jetstream_refuses_is_an_error(name: str) -> None:
    [problem] = naming.problems_of([("channel orders", name)], "stream")
    assert "JetStream takes no stream named" in problem


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"stream": {}}, "unknown table 'stream'"),
        ({"streams": []}, "'streams' is no table of names"),
        ({"streams": {"a": 1}}, "'streams' is no table of names"),
        ({"consumers": {"a": "b"}}, "'consumers.a' is no table of names"),
        ({"consumers": "a"}, "'consumers' is no table of tables by channel"),
    ],
)
def test_a_file_of_names_that_is_none_is_refused(document: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        Names.of(document)


def test_a_name_for_what_is_not_there_is_reported() -> None:
    names = Names({"ordres": "ORDERS"}, {"orders": {"app/due": "D"}, "more": {"a/b": "c"}})
    there = channel("orders", durables=(durable("dur", client_id="app"),))
    assert names.unused([there]) == [
        "names: no channel 'ordres'",
        "names: no durable 'app/due' in channel 'orders'",
        "names: no durable 'a/b' in channel 'more'",
    ]
