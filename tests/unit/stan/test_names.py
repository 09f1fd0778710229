"""Names and options that are refused before anything is sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.stan import names
from stanlocal.stan.errors import InvalidName, InvalidOption
from stanlocal.stan.options import ClientOptions, SubscriptionOptions, timeouts
from stanlocal.stan.start import StartSequence, StartTimeDelta


@pytest.mark.parametrize("channel", ["foo", "foo.bar", "a-b_c", "x.1.2", "ä", "a:b", "foo$"])
def test_good_channels(channel: str) -> None:
    """Names that the server accepts pass."""
    names.check_channel(channel)


@given(st.text(max_size=20))
def test_a_channel_that_passes_is_one_nats_subject(channel: str) -> None:
    """Whatever passes has no space, line end, wildcard or empty token: it cannot break a frame."""
    try:
        names.check_channel(channel)
    except InvalidName:
        return
    assert channel
    assert len(channel.split()) == 1
    assert not set(channel) & set(" \t\r\n\0*>/")
    assert all(channel.split("."))


@given(st.text(max_size=20))
def test_a_client_id_that_passes_is_plain(client_id: str) -> None:
    """Whatever passes is letters, digits, `-` and `_` of ASCII."""
    try:
        names.check_client_id(client_id)
    except InvalidName:
        return
    assert client_id.isascii()
    assert client_id.replace("-", "").replace("_", "").isalnum() or set(client_id) <= {"-", "_"}


def test_durable_name_may_have_a_colon_without_a_queue_group() -> None:
    """Only a durable queue group's name may not have the server's separator."""
    names.check_durable("a:b", "")
    with pytest.raises(InvalidName, match="a:b"):
        names.check_durable("a:b", "q")


@pytest.mark.parametrize(
    "wrong",
    [
        {"ack_timeout": 0},
        {"max_pub_acks_inflight": 0},
        {"ping_interval": 0},
        {"ping_max_out": 1},
        {"request_timeout": 0},
        {"ack_timeout": float("nan")},
    ],
)
def test_impossible_client_options(wrong: dict[str, Any]) -> None:
    """An option that cannot be is refused by name and value."""
    (name,) = wrong
    with pytest.raises(InvalidOption, match=name):
        ClientOptions(cluster_id="c", client_id="me", **wrong)


def test_requests_have_time_for_a_failover_with_retry_and_closing_does_not() -> None:
    """Two seconds, with `retry` ten for requests, and what the caller gives where the caller gives it."""
    assert timeouts(None, retry=False) == (2, 2)
    assert timeouts(None, retry=True) == (10, 2)
    assert timeouts(7, retry=False) == timeouts(7, retry=True) == (7, 7)


@pytest.mark.parametrize("sequence", [-1, 2**64])
def test_sequence_out_of_range(sequence: int) -> None:
    """A sequence the protocol cannot hold is refused."""
    with pytest.raises(InvalidOption, match=str(sequence)):
        StartSequence(sequence)


def test_negative_time_delta() -> None:
    """How long ago cannot be negative."""
    with pytest.raises(InvalidOption, match="negative"):
        StartTimeDelta(timedelta(seconds=-1))


def test_whole_seconds_as_float_are_whole() -> None:
    """An ack wait of 2.0 seconds is two seconds."""
    assert SubscriptionOptions("foo", ack_wait=2.0).ack_wait == 2  # type: ignore[arg-type]
