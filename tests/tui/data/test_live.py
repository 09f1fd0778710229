"""Looks at a monitor, and what happened between them."""

from __future__ import annotations

import pytest

from stanlocal.errors import MonitorError, NodeNotFound
from stanlocal.tui.data.live import MonitorReader
from tests.tui.data.monitors import FakeMonitors, monitors
from tests.tui.data.samples import channel, group_document

__all__ = ["monitors"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A list whose only item is the time."""
    now = [100.0]
    monkeypatch.setattr("stanlocal.tui.data.live.monotonic", lambda: now[0])
    return now


async def test_rates_are_those_between_two_looks_at_the_same_node(
    monitors: FakeMonitors, clock: list[float]
) -> None:
    monitor = MonitorReader()
    first = await monitor.look(group_document())
    assert "in_rate" not in first.channels[0]
    assert first.redelivered_rate is None
    clock[0] += 2
    monitors.channels = [channel("orders", 5410), channel("new", 7)]
    monitors.out_msgs += 30
    second = await monitor.look(group_document())
    assert [(each["name"], each["in_rate"]) for each in second.channels] == [("orders", 100.0), ("new", 0.0)]
    assert second.redelivered_rate == 15
    clock[0] += 1
    third = await monitor.look(group_document(active="t-1"))
    assert "in_rate" not in third.channels[0]
    assert monitors.asked[-1] == "http://127.0.0.1:8223"


async def test_clients_and_subscriptions_have_pending_and_backlog(monitors: FakeMonitors) -> None:
    inside = await MonitorReader().look(group_document())
    assert inside.active == "t-0"
    assert [each["pending"] for each in inside.clients] == [1024, 2]
    assert [each["backlog"] for each in inside.subscriptions] == [5110, 30, 2, 2]


async def test_without_an_active_node_no_monitor_is_asked(monitors: FakeMonitors) -> None:
    with pytest.raises(NodeNotFound, match="no node serves"):
        await MonitorReader().look(group_document(active=None))
    assert monitors.asked == []


async def test_a_monitor_that_does_not_answer_is_an_error_of_its_own(monitors: FakeMonitors) -> None:
    monitors.silent = True
    with pytest.raises(MonitorError, match="no answer"):
        await MonitorReader().look(group_document())
