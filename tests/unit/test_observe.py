"""One look at a group: what its logs say, and who has the store lock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest

from stanlocal import observe
from stanlocal.engine.base import Engine, Instance, RawLine
from stanlocal.errors import NodeNotFound
from stanlocal.locks import LockView
from stanlocal.states import LockFacts, LogFacts, NodeState
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
        # nobody of the group is a process here: what can be seen here is another folder's lock
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
    monkeypatch.setattr(observe, "lock_holder", lambda file: view)
    monkeypatch.setattr(observe, "container_of", lambda pid: container)
    assert observe.look_at_lock(group_plan(), instances) == lock


class Output:
    """An engine that has kept some output of one node."""

    def __init__(self, *messages: str) -> None:
        self.lines = [
            RawLine(at(second), f"[1] 2026/11/23 09:00:00.{second:06} [INF] {message}")
            for second, message in enumerate(messages)
        ]
        self.asked: list[object] = []

    async def output(self, node: str, *, since: object = None, tail: int | None = None) -> list[RawLine]:
        self.asked.append(tail)
        return self.lines if tail is None else self.lines[-tail:]

    async def facts(self) -> LogFacts:
        return await observe.log_facts(cast("Engine", self), instance("stan-0"))


async def test_the_end_of_a_log_tells_what_a_node_is() -> None:
    output = Output("STREAM: Starting in standby mode", *["chatter"] * 50)
    assert (await output.facts()).role is NodeState.STANDBY
    assert len(output.asked) == 1


async def test_a_milestone_under_much_chatter_is_found_all_the_same() -> None:
    output = Output("STREAM: Starting in standby mode", *["chatter"] * 5000)
    assert (await output.facts()).role is NodeState.STANDBY
    assert output.asked[-1] is None


async def test_a_node_that_has_just_been_removed_says_nothing() -> None:
    class Gone(Output):
        async def output(self, node: str, **_: object) -> list[RawLine]:
            raise NodeNotFound(f"{node} is gone")

    assert await Gone().facts() == LogFacts()
