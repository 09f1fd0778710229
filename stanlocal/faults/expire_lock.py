"""An expired store lock, as when a network file system's lease runs out: two actives over one store.

The lock file is removed while the routes of the active node are cut. Its lock is on a deleted file, so a
standby locks a new file and serves too. Neither server notices, as an active never checks its lock again.
Once they hear each other, the later one panics.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from stanlocal.engine.base import Ability
from stanlocal.errors import GroupError, MonitorError, NodeNotFound, Refused, WaitTimeout
from stanlocal.faults.base import Fault, Scene, recover
from stanlocal.faults.cut import check_cuttable
from stanlocal.faults.expectation import LOCK_WAIT_S, Expectation
from stanlocal.group.core import Group
from stanlocal.group.store_snapshots import folder, snapshot_frozen
from stanlocal.model.fault_record import Condition, FaultRecord
from stanlocal.model.plan import GroupPlan
from stanlocal.model.states import GroupState, GroupStatus, NodeState, NodeStatus
from stanlocal.monitor import client
from stanlocal.store.guard import drafts
from stanlocal.store.layout import lock_file
from stanlocal.store.local import local_store
from stanlocal.util.tasks import all_to_end

_TAKES_OVER_S = 30.0
"""Seconds that a standby may take to become active beside the first one."""
_MEET_S = 30.0
"""Seconds until two actives hear each other: long-cut routes are dialled again only after up to 15 s."""
_RESTARTS = 5
_MONITOR_TIMEOUT_S = 2.0
_LISTED_AT_MOST = 10
"""Number of lost messages from which on only the first and the last are named."""


@dataclass(frozen=True, slots=True)
class ExpireLock(Fault):
    """Two actives until healed; then the later one ends, and what only it acknowledged is lost."""

    name: ClassVar[str] = "expire-lock"
    summary: ClassVar[str] = "let the active lose its lock unawares, as on a network file system: two actives"
    needs: ClassVar[tuple[Ability, ...]] = ("files", "freeze", "start")
    leaves: ClassVar[Condition | None] = "other"
    costs_data: ClassVar[str | None] = (
        "two actives will write into one store: what clients publish meanwhile can be lost to readers "
        "(a copy of the store is taken before)"
    )

    def check(self, scene: Scene) -> None:
        check_cuttable(scene)
        local_store(scene.plan)
        serving = [node for node in scene.targets if node.serves]
        if len(scene.targets) != 1 or not serving or scene.status.active is None:
            raise Refused("expire-lock needs one active node as its target; see 'stanlocal status'")
        if not any(node.usable_standby for node in scene.status.nodes):
            raise Refused("expire-lock needs a standby that takes over; see 'stanlocal status'")

    def expect(self, status: GroupStatus, targets: Sequence[NodeStatus]) -> Expectation:
        standbys = " or ".join(node.name for node in status.nodes if node.usable_standby)
        return Expectation(
            f"{standbys} takes the lock within {LOCK_WAIT_S} s although {status.active} serves on: two "
            "actives over one store (split-brain), each acknowledges what its own clients publish; on 'heal' "
            "they meet, and the later one panics ('claims to be active, aborting')",
            (GroupState.SPLIT_BRAIN,),
        )

    async def inject(self, scene: Scene) -> Mapping[str, datetime]:
        group, plan = scene.group, scene.plan
        first = scene.targets[0].name
        copy = f"before-expire-lock-{secrets.token_hex(4)}"
        await snapshot_frozen(group, copy)
        scene.note({"snapshot": copy, "first": first})
        await group.engine.disconnect_routes(plan, first)
        lock_file(local_store(plan)).unlink(missing_ok=True)
        hit = datetime.now(UTC)
        group.home.journal.lock_file_lost("removed")
        status = await group.wait(
            lambda status: len(_actives(status)) > 1,
            timeout=_TAKES_OVER_S,
            waiting_for="a standby to take the lock that expired",
        )
        second = next(name for name in _actives(status) if name != first)
        scene.note({"second": second, "fork": await _last_sequences(plan, second)})
        return {first: hit}

    @classmethod
    async def undo(cls, group: Group, fault: FaultRecord, nodes: Collection[str]) -> None:
        """Reconnect the two actives, report what only the later one acknowledged, and restore one lock.

        The survivor is restarted last: its lock is on a deleted file, so that pausing it would be enough to
        have two actives again.
        """
        plan, _ = await group.find()
        names = [node.name for node in plan.nodes]
        await recover(group, "frozen", names)  # frozen by a tool that was killed while it copied the store
        drafts.remove_unfinished(folder(group))
        first, second = fault.notes.get("first"), fault.notes.get("second")
        if first is None:
            return
        actives = _actives((await group.look()).status)
        if second in actives and first in actives:
            lost = _lost(fault.notes["fork"], await _last_sequences(plan, second))
            group.home.journal.fault_noted(fault.id, {"lost": lost})
        await recover(group, "isolated", [first])
        left_ended = _ended_by_others(group, fault)
        try:
            await _settle(group, left_ended)
        except WaitTimeout:  # they do not hear each other: the later one ends as it would have
            actives = _actives((await group.look()).status)
            await all_to_end(*(group.kill(name, "SIGKILL") for name in actives if name != first))
        await _restart(group, first, plan.stop_grace_s)  # before those start that would take the lock again
        await _settle(group, left_ended)


def _actives(status: GroupStatus) -> list[str]:
    """Return the names of the active nodes that have a process, frozen or not."""
    return [node.name for node in status.nodes if node.state is NodeState.ACTIVE and node.instance.running]


def _ended_by_others(group: Group, fault: FaultRecord) -> frozenset[str]:
    """Return the nodes that other faults in force have ended, which healing this one leaves alone."""
    others = (each for each in group.home.journal.faults() if each.ends_run and each.id != fault.id)
    return frozenset(node for other in others for node in other.targets if other.hits(node))


async def _restart(group: Group, node: str, grace_s: float) -> None:
    """Restart a node that runs."""
    with suppress(NodeNotFound):
        if (await group.instance(node)).running:
            await group.stop(node, grace_s)
            await group.start(node)


async def _settle(group: Group, left_ended: Collection[str]) -> None:
    """Wait until one node is active and the others stand by; start nodes again that panic meanwhile.

    Nodes that are frozen or cut off are not waited for, and neither are the ended ones of `left_ended`.
    """
    for _ in range(_RESTARTS):
        status = await group.wait(
            lambda status: _is_settled(status) or bool(_ended(status, left_ended)),
            timeout=_MEET_S,
            waiting_for="the actives to meet, and one of them to panic",
        )
        ended = _ended(status, left_ended)
        if not ended:
            return
        await recover(group, "ended", ended)
    raise GroupError(
        f"nodes ended again after {_RESTARTS} restarts, after their lock had expired; see 'stanlocal logs'"
    )


def _is_settled(status: GroupStatus) -> bool:
    """Whether one node is active, and each other one that runs unhindered could take over, or none runs."""
    running = [node for node in status.nodes if node.instance.running]
    unhindered = (node for node in running if not (node.paused or node.partitioned))
    ready = all(node.serves or node.usable_standby for node in unhindered)
    return not running or (len(_actives(status)) == 1 and ready)


def _ended(status: GroupStatus, left_ended: Collection[str]) -> list[str]:
    """Return the names of the nodes that have ended, but for those of `left_ended`."""
    running = (node.name for node in status.nodes if node.instance.running)
    return sorted({node.name for node in status.nodes}.difference(running, left_ended))


async def _last_sequences(plan: GroupPlan, node: str) -> dict[str, int]:
    """Return the last sequence of each channel by that node's monitor; empty if it does not answer."""
    url = plan.monitor(plan.node(node))
    try:
        document = await client.fetch(url, "/streaming/channelsz?subs=1&limit=100000", _MONITOR_TIMEOUT_S)
    except MonitorError:  # it has just ended: what it alone acknowledged stays unknown
        return {}
    channels: Sequence[Mapping[str, Any]] = document.get("channels") or ()
    return {str(channel["name"]): int(channel["last_seq"]) for channel in channels}


def numbered(first: int, last: int) -> str:
    """Name the messages from `first` to `last` in words, each by its number if they are few."""
    if last - first >= _LISTED_AT_MOST:
        return f"messages {first} to {last} ({last - first + 1} of them)"
    *rest, final = (str(number) for number in range(first, last + 1))
    return f"messages {', '.join(rest)} and {final}" if rest else f"message {final}"


def _lost(fork: Mapping[str, int], later: Mapping[str, int]) -> dict[str, list[int]]:
    """Return the first and last sequence of each channel that only the later active assigned."""
    return {
        channel: [fork.get(channel, 0) + 1, last]
        for channel, last in later.items()
        if last > fork.get(channel, 0)
    }
