"""Pages of messages, from files and from a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from stanlocal.errors import StoreRefused
from stanlocal.stan.errors import NoActiveServer
from stanlocal.store.format.encryption import StoreKey
from stanlocal.tui.data.browse import KEPT_BYTES, PAGE, SequenceRange, from_server, from_store
from tests.support.fake_clients import FakeServing
from tests.support.stores import encrypted, make_store, slice_of


def _sequences(messages: object) -> list[int]:
    return [each.sequence for each in messages]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("whole", "first", "expected"),
    [
        (SequenceRange(1, 1000), None, SequenceRange(901, 1000)),
        (SequenceRange(1, 1000), 201, SequenceRange(201, 300)),
        (SequenceRange(1, 1000), -50, SequenceRange(1, 100)),
        (SequenceRange(1, 1000), 980, SequenceRange(901, 1000)),
        (SequenceRange(500, 520), None, SequenceRange(500, 520)),
        (SequenceRange(0, 0), None, SequenceRange(0, 0)),
    ],
)
def test_a_page_stays_within_the_channel(
    whole: SequenceRange, first: int | None, expected: SequenceRange
) -> None:
    assert whole.page(first) == expected


def test_the_newest_messages_are_read_from_the_store_first(tmp_path: Path) -> None:
    slices = [slice_of([b"old"] * 150), slice_of([b"new"] * 80, first=151)]
    store = make_store(tmp_path / "store", slices)
    page = from_store(store, "orders", None)
    assert (page.whole, page.span) == (SequenceRange(1, 230), SequenceRange(131, 230))
    assert _sequences(page.messages) == list(range(131, 231))
    assert (page.messages[0].data, page.messages[-1].data) == (b"old", b"new")
    assert _sequences(from_store(store, "orders", 31).messages) == list(range(31, 131))


def test_large_message_keeps_its_first_bytes(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store", [slice_of([b"x" * (KEPT_BYTES + 100)])])
    (message,) = from_store(store, "orders", None).messages
    assert (len(message.data), message.size) == (KEPT_BYTES, KEPT_BYTES + 100)


def test_damaged_messages_are_left_out_and_reported(tmp_path: Path) -> None:
    damaged = slice_of([b"payload"] * 5)
    damaged.data[damaged.offsets[2] + 12] ^= 0xFF
    page = from_store(make_store(tmp_path / "store", [damaged]), "orders", None)
    assert _sequences(page.messages) == [1, 2, 4, 5]
    assert len(page.problems) == 1
    assert page.problems[0].startswith("orders/msgs.1.dat: ")


@pytest.mark.parametrize("channel", ["other", "..", "../store/orders", ""])
def test_only_what_is_a_channel_of_the_store_is_read(tmp_path: Path, channel: str) -> None:
    """A channel's name comes from the network, and would be a path."""
    with pytest.raises(StoreRefused, match="no channel"):
        from_store(make_store(tmp_path / "store"), channel, None)


def test_encrypted_messages_are_not_shown_as_they_are_on_disk(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store", [slice_of([b"\x01once" + bytes(7) + b"\x01" + b"c" * 48] * 3)])
    with pytest.raises(StoreRefused, match="may be encrypted"):
        from_store(store, "orders", None)


def test_encrypted_messages_are_shown_with_their_key(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store", [slice_of(encrypted("secret", "orders", b"one", b"two"))])
    page = from_store(store, "orders", None, StoreKey.of("secret"))
    assert [message.data for message in page.messages] == [b"one", b"two"]


def test_a_store_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused):
        from_store(tmp_path / "none", "orders", None)


async def test_a_page_from_the_server_leaves_no_client_and_acknowledges_nothing() -> None:
    server = FakeServing()
    for number in range(250):
        server.store("orders", b"%d" % number)
    page = await from_server(server.connect, "orders", SequenceRange(1, 250), 101)
    assert page.span == SequenceRange(101, 200)
    assert _sequences(page.messages) == list(range(101, 201))
    assert server.open_clients == []
    (subscription,) = server.clients[0].subscriptions
    assert (subscription.unsubscribed, subscription.acked) == (True, [])
    assert subscription.options == {"manual_ack": True, "max_inflight": PAGE}


async def test_messages_that_have_expired_are_not_waited_for_in_vain() -> None:
    server = FakeServing()
    server.store("orders", b"1")
    page = await from_server(server.connect, "orders", SequenceRange(1, 5), None, timeout_s=0.05)
    assert _sequences(page.messages) == [1]


async def test_without_a_server_the_error_says_so() -> None:
    server = FakeServing()
    server.serving = False
    with pytest.raises(NoActiveServer):
        await from_server(server.connect, "orders", SequenceRange(1, 5), None)
