"""The bar on top: the group's state in words, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from stanlocal.model.group_document import MEANINGS
from stanlocal.model.states import GroupState, NodeState
from stanlocal.tui.themes import STATE_STYLES
from stanlocal.tui.widgets.group_bar import group_text


def node(name: str, state: str = "standby", **changes: Any) -> dict[str, Any]:
    port = 4222 + int(name[-1])
    usual = {
        "name": name,
        "state": state,
        "paused": False,
        "partitioned": False,
        "client_url": f"nats://127.0.0.1:{port}",
        "monitor_url": f"http://127.0.0.1:{port + 4000}",
        "started_at": None,
        "problem": None,
    }
    return {**usual, **changes}


def document(*nodes: Mapping[str, Any], state: str = "healthy", **changes: Any) -> dict[str, Any]:
    active = next((each["name"] for each in nodes if each["state"] == "active"), None)
    usual = {"group": "stan", "state": state, "active": active, "lock_holder": active, "problem": None}
    return {**usual, "nodes": list(nodes), "faults": [], **changes}


HEALTHY = document(node("stan-0", "active"), node("stan-1"))


def test_every_state_has_a_style_and_every_group_state_a_meaning() -> None:
    assert {*NodeState, *GroupState, "gone"} == set(STATE_STYLES)
    assert set(GroupState) == set(MEANINGS)


@pytest.mark.parametrize("state", GroupState)
def test_every_group_state_is_said_with_what_it_means_and_what_to_do(state: GroupState) -> None:
    stopped = document(node("stan-0", "active"), node("stan-1", "stopped"), state=state.value)
    step = group_text(stopped | {"problem": "why" if state in ("blocked", "split-brain") else None}, (), None)
    first, then = step.plain.split("\n")
    assert first.startswith(f"stan: {state.value}, ")
    assert then in ("why", "next: stan-1 is stopped: start it") or len(then) > len("next: ")


@pytest.mark.parametrize(
    ("unusable", "missing", "step"),
    [
        (node("stan-1", "stopped"), (), "stan-1 is stopped: start it"),
        (node("stan-1", "failed"), (), "stan-1 is failed: see its log, start it"),
        (node("stan-1", "starting"), (), "stan-1 is starting: wait for it"),
        (node("stan-1", paused=True), (), "stan-1 is paused: heal it"),
        (node("stan-1", partitioned=True), (), "stan-1 is cut off: heal it"),
        (node("stan-1"), ("stan-2",), "stan-2 is gone: bring the group up"),
    ],
)
def test_degraded_group_names_every_node_that_is_not_ready(
    unusable: dict[str, Any], missing: tuple[str, ...], step: str
) -> None:
    degraded = document(node("stan-0", "active"), unusable, state="degraded")
    assert group_text(degraded, missing, None).plain.endswith(f"next: {step}")


@pytest.mark.parametrize(
    ("unusable", "missing", "step"),
    [
        (node("stan-1", "stopped"), (), "stan-1 is stopped: F1 starts it"),
        (node("stan-1", "failed"), (), "stan-1 is failed: see its log, F1 starts it"),
        (node("stan-1", paused=True), (), "stan-1 is paused: h heals it"),
        (node("stan-1", partitioned=True), (), "stan-1 is cut off: h heals it"),
        (node("stan-1"), ("stan-2",), "stan-2 is gone: u brings the group up"),
    ],
)
def test_the_next_step_names_the_key_that_does_it(
    unusable: dict[str, Any], missing: tuple[str, ...], step: str
) -> None:
    degraded = document(node("stan-0", "active"), unusable, state="degraded")
    keys = {"start": "F1", "heal": "h", "up": "u"}
    assert group_text(degraded, missing, None, keys).plain.endswith(f"next: {step}")


def test_the_next_step_of_a_group_that_is_down_is_the_key_that_brings_it_up() -> None:
    down = document(state="down")
    assert group_text(down, (), None, {"up": "u"}).plain.endswith("next: u brings the group up")


def test_unreachable_group_shows_its_last_known_state() -> None:
    step = group_text(HEALTHY, (), "docker does not answer").plain
    assert step == (
        "not seen now: docker does not answer\n"
        "last seen: stan: healthy, stan-0 is active and every other node stands by"
    )
