"""Nodes as they are shown: as cards, and as lines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.group.resources import Resources
from stanlocal.history.timeline import Event
from stanlocal.tui import node_view
from stanlocal.tui.node_view import Known, NodeView, learn_events, learn_resources, views
from tests.tui.test_group_bar import HEALTHY, document, node


def shown(state: str = "active", **changes: Any) -> NodeView:
    known = Known()
    known.resources.extend([Resources(0.0, 10 << 20, 2, 1), Resources(0.5, 20 << 20, 3, 1)])
    found = document(node("stan-0", state, **changes), node("stan-1"))
    return views(found, (), {"stan-0": known})[0]


def test_a_card_says_everything_of_a_node() -> None:
    assert node_view.card(shown()).plain.splitlines() == [
        "active",
        "clients 127.0.0.1:4222",
        "monitor 127.0.0.1:8222",
        "carries 3 connections, routes 1/1",
        "cpu                     ▁█  50%",
        "memory                  ▅█ 20 MiB",
    ]


def test_a_line_says_it_in_80_columns() -> None:
    line = node_view.line(shown()).plain
    assert line == "stan-0   active     lock          :4222 :8222 routes 1/1 3 conn   ▁█  50% 20M"
    assert len(line) + len("▸ ") <= 80


def test_a_node_that_clients_cannot_reach_either_is_isolated_not_only_partitioned() -> None:
    cut = {"name": "isolate", "targets": ["stan-0"]}
    found = {**document(node("stan-0", "active", partitioned=True), node("stan-1")), "faults": [cut]}
    (view, other) = views(found, (), {})
    assert "ISOLATED" in node_view.card(view).plain
    assert "ISOLATED" in node_view.line(view).plain
    assert "PARTITIONED" not in node_view.card(view).plain
    assert other.flags == []


@pytest.mark.parametrize("flag", ["paused", "partitioned"])
def test_flags_are_words(flag: str) -> None:
    view = shown("active", **{flag: True})
    assert flag.upper() in node_view.card(view).plain
    assert flag.upper() in node_view.line(view).plain


@pytest.mark.parametrize("state", ["created", "stopped", "failed"])
def test_a_node_without_a_process_has_no_figures(state: str) -> None:
    view = shown(state, problem="exit 1: no space")
    assert "cpu" not in node_view.card(view).plain
    assert "routes" not in node_view.line(view).plain
    assert node_view.card(view).plain.endswith("exit 1: no space")


def test_a_node_that_the_engine_has_no_more_is_shown_as_gone_in_its_place() -> None:
    found = views(document(node("stan-0", "active"), node("stan-2")), ["stan-1"], {})
    assert [(view.name, view.state) for view in found] == [
        ("stan-0", "active"),
        ("stan-1", "gone"),
        ("stan-2", "standby"),
    ]
    assert "bring the group up again" in node_view.card(found[1]).plain


def test_figures_of_a_node_that_ended_are_forgotten() -> None:
    known: dict[str, Known] = {}
    learn_resources(known, {"stan-0": Resources(0.1), "stan-1": Resources(0.2)})
    learn_resources(known, {"stan-1": Resources(0.3)})
    assert known["stan-0"].now == Resources()
    assert [each.cpu for each in known["stan-1"].resources] == [0.2, 0.3]


@given(st.lists(st.floats(0, 64), max_size=100), st.integers(1, 40))
def test_bars_are_as_wide_as_asked_and_the_highest_is_full(values: list[float], width: int) -> None:
    bars = node_view.spark(values, width, least_top=0.01)
    assert len(bars) == width
    if values and max(values[-width:]) >= 0.01:
        assert "█" in bars


def test_events_give_the_time_of_a_nodes_last_change_of_state() -> None:
    """A pause or a cut changes only its flags."""
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    known: dict[str, Known] = {}
    active = Event(at, "state", "stan-0", {"from": "recovering", "to": "active"})
    paused = Event(at + timedelta(hours=1), "state", "stan-0", {"from": "active", "to": "active"})
    learn_events(known, [active, Event(at, "group-state", None, {}), paused])
    assert views(HEALTHY, (), known)[0].since == at
    assert set(known) == {"stan-0"}
