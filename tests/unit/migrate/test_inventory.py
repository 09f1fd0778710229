"""The inventory of a store, from its files alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from stanlocal.errors import StoreRefused
from stanlocal.migrate.inventory import take_inventory
from tests.support.stores import EPOCH, data, deny_listing, make_store, number, slice_of, subscription, update

NEW, ACK, SENT = 1, 4, 5


def _queue_member(identity: int, *, inflight: int = 100) -> bytes:
    return (
        number(1, identity)
        + data(2, b"client-%d" % identity)
        + data(3, b"dur:workers")
        + data(5, b"_INBOX.b")
        + number(6, inflight)
        + number(7, 60)
        + number(10, 1)
    )


def test_channels_sequences_and_durables_are_found(tmp_path: Path) -> None:
    subs = [
        (NEW, subscription(1, "dur")),
        *((SENT, update(1, sequence)) for sequence in (11, 12, 13)),
        (ACK, update(1, 12)),
        (NEW, subscription(2)),
    ]
    store = make_store(tmp_path / "store", [slice_of([b"x" * 20] * 5, first=11)], subs=subs)
    [orders] = (inventory := take_inventory(store)).channels
    assert (inventory.cluster_id, orders.name, orders.messages, orders.ephemeral) == (
        "test-cluster",
        "orders",
        5,
        1,
    )
    assert (orders.first_sequence, orders.last_sequence) == (11, 15)
    [durable] = orders.durables
    assert (durable.label, durable.last_sent, durable.pending) == ("client/dur", 13, (11, 13))
    assert (durable.ack_wait, durable.max_inflight, durable.online) == (30 * 10**9, 1024, True)


def test_the_members_of_a_durable_queue_group_are_one_durable(tmp_path: Path) -> None:
    subs = [(NEW, _queue_member(1)), (NEW, _queue_member(2, inflight=50))]
    subs += [(SENT, update(1, 1)), (SENT, update(2, 2)), (SENT, update(1, 3)), (ACK, update(1, 1))]
    [orders] = take_inventory(make_store(tmp_path / "store", subs=subs)).channels
    [durable] = orders.durables
    assert (durable.label, durable.client_id, durable.last_sent) == ("dur:workers", "", 3)
    assert (durable.pending, durable.max_inflight, durable.ack_wait) == ((2, 3), 150, 60 * 10**9)


def test_a_durable_queue_group_without_members_is_offline(tmp_path: Path) -> None:
    """The server keeps its place in a subscription that belongs to no client."""
    kept = data(3, b"dur:workers") + data(5, b"_INBOX.b") + number(6, 1) + number(7, 1) + number(10, 1)
    subs = [(NEW, number(1, 1) + kept)]
    [orders] = take_inventory(make_store(tmp_path / "store", subs=subs)).channels
    assert [each.online for each in orders.durables] == [False]


@pytest.mark.parametrize(
    ("limits", "first", "messages", "beyond"),
    [
        ({"max_msgs": 3}, 3, 3, 2),
        ({"channels": {"ord*": {"max_msgs": 1}}}, 1, 5, 0),
        ({"channels": {"orders": {"max_msgs": 1}}}, 5, 1, 4),
        ({"max_age": "3ms"}, 4, 2, 3),
        ({"max_age": "1ms"}, 6, 0, 5),
        ({"max_inactivity": "1h"}, 1, 5, 0),
    ],
)
def test_messages_past_a_limit_do_not_count(
    tmp_path: Path, limits: dict[str, object], first: int, messages: int, beyond: int
) -> None:
    store = make_store(tmp_path / "store", [slice_of([b"x"] * 5)])
    [orders] = take_inventory(store, limits, now=EPOCH + 6 * 1_000_000).channels
    assert (orders.first_sequence, orders.messages, orders.beyond_limits) == (first, messages, beyond)
    assert orders.last_sequence == 5


def test_a_channel_whose_files_are_gone_goes_on_behind_its_durables(tmp_path: Path) -> None:
    subs = [(NEW, subscription(1, "dur", last_sent=40))]
    [orders] = take_inventory(make_store(tmp_path / "store", [], subs=subs)).channels
    assert (orders.messages, orders.first_sequence, orders.last_sequence) == (0, 41, 40)


def test_a_folder_that_is_no_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused):
        take_inventory(tmp_path / "missing")


def test_a_store_in_the_named_folder_is_named_instead(tmp_path: Path) -> None:
    make_store(tmp_path / "data" / "store")
    with pytest.raises(StoreRefused, match=r"is not a store of the server .*; name .*/data/store$"):
        take_inventory(tmp_path / "data")


def test_nothing_in_the_store_is_changed(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store")
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in store.rglob("*")}
    take_inventory(store)
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in store.rglob("*")} == before


def test_a_channel_that_cannot_be_listed_is_refused_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store(tmp_path / "store")
    (store / "secret").mkdir()
    deny_listing(monkeypatch, store / "secret")
    with pytest.raises(
        StoreRefused, match=r"store/secret cannot be listed \(Permission denied\) .*move it out"
    ):
        take_inventory(store)
