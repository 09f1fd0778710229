"""An observation of a group: its logs, and the holder of the store lock."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from stanlocal.engine.base import Engine
from stanlocal.errors import NodeNotFound
from stanlocal.group import observation
from stanlocal.group.observation import NO_ANSWER
from stanlocal.machine.locks import LockView
from stanlocal.model.instance import Instance, RawLine, batches
from stanlocal.model.plan import GroupPlan, NodePlan
from stanlocal.model.states import GroupStatus, LockFacts
from stanlocal.monitor.client import MonitorAnswer
from tests.support.facts import at, group_plan, instance

TWO = [instance("stan-0"), instance("stan-1")]  # processes 100 and 101


@pytest.mark.parametrize(
    ("view", "container", "instances", "lock"),
    [
        (LockView(visible=False), None, TWO, LockFacts()),
        (LockView(visible=True), None, TWO, LockFacts(visible=True)),
        (LockView(visible=True, pid=101), None, TWO, LockFacts(visible=True, holder="stan-1")),
        (LockView(visible=True, pid=7), "0" * 64, TWO, LockFacts(visible=True, holder="stan-0")),
        (
            LockView(visible=True, pid=7),
            "f" * 64,
            TWO,
            LockFacts(visible=True, stranger="process 7 in container ffffffffffff"),
        ),
        (LockView(visible=True, pid=7), None, TWO, LockFacts(visible=True, stranger="process 7")),
        # no node is a process here: the lock visible here is another folder's
        (LockView(visible=True), None, [replace(each, pid=None) for each in TWO], LockFacts()),
        (LockView(visible=True), None, [], LockFacts()),
    ],
)
def test_the_lock_is_the_nodes_whose_process_or_container_has_it(
    monkeypatch: pytest.MonkeyPatch,
    view: LockView,
    container: str | None,
    instances: Sequence[Instance],
    lock: LockFacts,
) -> None:
    monkeypatch.setattr(observation, "lock_holder", lambda file: view)
    monkeypatch.setattr(observation, "container_of", lambda pid: container)
    assert observation.look_at_lock(group_plan(), instances) == lock


class Node:
    """An engine with one node that has written this, and the node's monitor."""

    def __init__(self, *messages: str, answer: MonitorAnswer = NO_ANSWER) -> None:
        self.lines = [
            RawLine(at(second), f"[1] 2026/11/23 09:00:00.{second:06} [INF] {message}")
            for second, message in enumerate(messages)
        ]
        self.answer = answer
        self.asked: list[int | None] = []
        """Numbers of last lines that were asked of the engine."""

    async def output(self, node: str, *, since: object = None) -> AsyncGenerator[list[RawLine]]:
        self.asked.append(None)
        for batch in batches(self.lines):
            yield batch

    async def tail(self, node: str, count: int) -> list[RawLine]:
        self.asked.append(count)
        return self.lines[-count:]

    def monitor(self, plan: GroupPlan, node: NodePlan) -> str:
        return plan.monitor_url(node)

    async def ask_role(self, url: str, timeout: float) -> MonitorAnswer:
        return self.answer

    async def status(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> GroupStatus:
        monkeypatch.setattr(observation, "ask_role", self.ask_role)
        return await observation.observe(
            cast("Engine", self),
            group_plan(1),
            [replace(instance("stan-0"), pid=None)],
            [],
        )


STANDBY_LINE = "STREAM: Starting in standby mode"
ACTIVE = MonitorAnswer("answered", "FT_ACTIVE", version="0.25.6")
STANDBY = MonitorAnswer("answered", "FT_STANDBY", version="0.25.6")


@pytest.mark.parametrize(
    ("node", "state", "asked"),
    [
        pytest.param(Node(STANDBY_LINE, *["-"] * 50), "standby", [500], id="a milestone near the end"),
        pytest.param(Node(STANDBY_LINE, *["-"] * 5000), "standby", [500, None], id="under much chatter"),
        pytest.param(
            Node(STANDBY_LINE, *["-"] * 5000, answer=STANDBY), "standby", [500], id="and the monitor tells"
        ),
        pytest.param(Node(*["-"] * 5000, answer=ACTIVE), "active", [500], id="not kept, active"),
        pytest.param(Node(*["-"] * 5000, answer=STANDBY), "standby", [500], id="not kept, standby"),
        pytest.param(Node(*["-"] * 5000), "starting", [500, None], id="not kept, unknown"),
        pytest.param(Node(*["-"] * 9, answer=ACTIVE), "active", [500], id="few lines kept"),
        pytest.param(Node(), "starting", [500], id="nothing written yet"),
    ],
)
async def test_no_more_is_read_of_a_log_than_it_takes_to_tell_what_a_node_is(
    node: Node, state: str, asked: list[int | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = await node.status(tmp_path, monkeypatch)
    assert (status.states, status.problem) == ({"stan-0": state}, None)
    assert node.asked == asked


async def test_the_version_that_is_not_in_the_kept_log_is_the_monitors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = await Node(*["-"] * 5000, answer=ACTIVE).status(tmp_path, monkeypatch)
    assert status.server_version == "0.25.6"


async def test_a_node_that_has_just_been_removed_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(Node):
        async def tail(self, node: str, count: int) -> list[RawLine]:
            raise NodeNotFound(f"{node} is gone")

    assert (await Gone().status(tmp_path, monkeypatch)).states == {"stan-0": "starting"}
