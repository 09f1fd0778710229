"""Liveness checks as in Kubernetes: a check of each node's monitor, and a restart when it fails.

The check is that of the seed deployment: GET / on the monitor port, first after 10 s, each answered within
5 s. Nodes that a recorded fault explains (killed, stopped or paused) are left alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from stanlocal.errors import EngineError, NodeNotFound
from stanlocal.group.core import Group, Look
from stanlocal.model.states import NodeState, NodeStatus
from stanlocal.monitor.client import is_alive
from stanlocal.util.tasks import all_to_end


@dataclass(frozen=True, slots=True)
class LivenessCheck:
    """Times and limits of the check; the defaults are the seed's, else those of Kubernetes."""

    initial_delay_s: float = 10.0
    timeout_s: float = 5.0
    period_s: float = 10.0
    failures: int = 3
    """Number of failures in a row after which the node is restarted."""


async def keep_alive(group: Group, report: Callable[[str], None], check: LivenessCheck | None = None) -> None:
    """Check all nodes until cancelled; restart those that are dead, and report each restart.

    It goes on trying where the engine fails or does not answer, as during a restart of its daemon, and
    reports that once until it works again. Raises `GroupNotFound` when the group is purged.
    """
    check = check or LivenessCheck()
    failed: dict[str, int] = {}
    in_trouble = False
    while True:
        try:
            await _check_all(group, failed, check, report)
        except EngineError as error:
            if not in_trouble:
                report(f"{error}; the check of the nodes goes on once that is over")
            in_trouble = True
        else:
            in_trouble = False
        await asyncio.sleep(check.period_s)


async def _check_all(
    group: Group, failed: dict[str, int], check: LivenessCheck, report: Callable[[str], None]
) -> None:
    """Check all nodes, and restart those that are dead; `failed` has each node's failures in a row."""
    look = await group.look()
    for node in look.status.nodes:
        failed[node.name] = await _failures(group, look, node, failed.get(node.name, 0), check)
    dead = [node for node in look.status.nodes if failed[node.name] >= check.failures]
    failed.update((node.name, 0) for node in dead)
    await all_to_end(*(revive(group, node, report) for node in dead))


async def _failures(group: Group, look: Look, node: NodeStatus, before: int, check: LivenessCheck) -> int:
    if _is_explained(group, node):
        return 0
    if node.state is NodeState.FAILED:
        return check.failures
    started = node.instance.started_at
    if not node.instance.running or started is None:
        return 0
    if datetime.now(UTC) - started < timedelta(seconds=check.initial_delay_s):
        return 0
    alive = await is_alive(look.plan.monitor(look.plan.node(node.name)), check.timeout_s)
    return 0 if alive else before + 1


def _is_explained(group: Group, node: NodeStatus) -> bool:
    return any(fault.hits(node.name) for fault in group.home.journal.faults())


async def revive(group: Group, dead: NodeStatus, report: Callable[[str], None]) -> None:
    """Kill what is left of the node's process and start it again.

    A node that is gone is left alone, and so is one that another command has restarted, or hit by a fault,
    while this waited for the group's lock.
    """
    node, run = dead.name, (dead.instance.id, dead.instance.started_at)
    with suppress(NodeNotFound):
        async with group.home.lock(lambda: None):
            now = await group.instance(node)
            if (now.id, now.started_at) != run or _is_explained(group, dead):
                return
            report(f"{node} is dead; restarting it")
            await group.engine.signal(node, "SIGKILL")
            await group.engine.wait_exit(node)
            await group.start(node)
