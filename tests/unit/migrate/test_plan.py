"""The plan: streams and consumers in JetStream's terms, and every point that is lost or changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stanlocal.errors import SettingsError
from stanlocal.migrate.inventory import Channel, Inventory
from stanlocal.migrate.naming import Names
from stanlocal.migrate.plan import make_plan
from stanlocal.migrate.stream_plan import ConsumerPlan, Contents, StreamPlan
from stanlocal.store.verify.limits import Limits
from tests.unit.migrate.made import channel, durable

HOUR = 3600 * 10**9


def _inventory(*channels: Channel, max_channels: int = 0) -> Inventory:
    return Inventory(Path("/store"), "test-cluster", channels, max_channels)


@pytest.mark.parametrize(
    ("last_sent", "pending", "extent", "floor", "delivered", "kept"),
    [
        (0, (), (1, 10), 0, 0, ()),
        (7, (), (1, 10), 7, 7, ()),
        (7, (3, 5), (1, 10), 2, 7, (3, 5)),
        (7, (3, 5), (4, 10), 4, 7, (5,)),  # 3 is no longer in the channel
        (7, (3,), (9, 10), 8, 8, ()),  # it was sent messages that are gone
        (30, (30,), (1, 10), 10, 10, ()),  # messages are missing at the channel's end
    ],
)
def test_a_durable_becomes_a_consumer_with_its_position(
    last_sent: int,
    pending: tuple[int, ...],
    extent: tuple[int, int],
    floor: int,
    delivered: int,
    kept: tuple[int, ...],
) -> None:
    of = durable("dur", client_id="app", last_sent=last_sent, pending=pending)
    plan = ConsumerPlan.of("c", channel("orders", first=extent[0], last=extent[1]), of)
    assert (plan.floor, plan.delivered, plan.pending) == (floor, delivered, kept)


def test_limits_become_those_of_the_stream() -> None:
    limits = Limits(max_msgs=10, max_bytes=1000, max_age=HOUR)
    config = StreamPlan("s", channel("orders", limits=limits), ()).config(3)
    assert {
        name: config[name] for name in ("max_msgs", "max_bytes", "max_age", "num_replicas", "subjects")
    } == {
        "max_msgs": 10,
        "max_bytes": 1000,
        "max_age": HOUR,
        "num_replicas": 3,
        "subjects": ["orders"],
    }
    unlimited = StreamPlan("s", channel("orders"), ()).config()
    assert (unlimited["max_msgs"], unlimited["max_bytes"], unlimited["max_age"]) == (-1, -1, 0)


def test_a_short_age_shortens_the_window_of_duplicates_which_must_not_be_longer() -> None:
    config = StreamPlan("s", channel("orders", limits=Limits(max_age=10**9)), ()).config()
    assert config["duplicate_window"] == 10**9


def test_an_empty_stream_goes_on_behind_its_last_sequence() -> None:
    state = Contents().state(StreamPlan("s", channel("orders", first=8, last=7), ()))
    assert (state["messages"], state["first_seq"], state["last_seq"]) == (0, 8, 7)


@pytest.mark.parametrize(
    ("there", "kind"),
    [
        (channel("orders", maybe_encrypted=True), "encrypted"),
        (channel("orders", beyond_limits=4), "beyond-limits"),
        (channel("orders", limits=Limits(max_bytes=1000)), "max-bytes"),
        (channel("orders", limits=Limits(max_bytes=1000)), "reserved"),
        (channel("orders", limits=Limits(max_inactivity=HOUR)), "max-inactivity"),
        (channel("orders", limits=Limits(max_subs=7)), "max-subscriptions"),
        (channel("orders", largest=2 << 20), "payload"),
        (channel("orders", ephemeral=2), "ephemeral"),
        (channel("orders", durables=(durable("d", queue_group="q", online=True),)), "online"),
        (channel("orders", durables=(durable("d", queue_group="q"),)), "offline"),
        (
            channel("orders", last=9, durables=(durable("d", queue_group="q", last_sent=12),)),
            "position-past-end",
        ),
        (
            channel(
                "orders",
                first=5,
                last=9,
                durables=(durable("d", queue_group="q", last_sent=6, pending=(2,)),),
            ),
            "pending-gone",
        ),
        (channel("orders", durables=(durable("d", client_id="app"),)), "client-id"),
    ],
)
def test_what_is_lost_or_changes_is_a_finding(there: Channel, kind: str) -> None:
    found = make_plan(_inventory(there)).findings
    assert kind in [finding.kind for finding in found]
    assert all(finding.advice and finding.detail for finding in found)


def test_a_store_without_durables_and_limits_has_no_finding() -> None:
    assert make_plan(_inventory(channel("orders", messages=3, last=3))).findings == ()


def test_limits_that_are_unknown_and_max_channels_are_findings() -> None:
    found = make_plan(_inventory(channel("orders"), max_channels=10), limits_known=False).findings
    assert [finding.kind.value for finding in found] == ["max-channels", "limits-unknown"]


def test_colliding_names_are_all_reported_at_once() -> None:
    durables = (durable("b_c", client_id="a"), durable("c", client_id="a_b"))
    with pytest.raises(SettingsError) as caught:
        make_plan(_inventory(channel("a.b"), channel("a_b"), channel("d", durables=durables)))
    assert len(caught.value.problems) == 2


def test_what_is_left_out_is_said_and_has_no_findings() -> None:
    plan = make_plan(_inventory(channel("old", ephemeral=1), channel("new")), Names({"old": ""}))
    assert ([stream.name for stream in plan.streams], plan.left_out, plan.findings) == (["new"], ("old",), ())


def test_the_document_shows_names_as_they_can_be_printed() -> None:
    document: dict[str, Any] = make_plan(_inventory(channel("a\x1b[2Jb"))).document()
    assert document["streams"][0]["channel"] == "a\\x1b[2Jb"
