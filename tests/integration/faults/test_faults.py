"""Each fault on real servers: it does what it says, is seen, and is undone, whatever becomes of the tool."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from stanlocal.api import FTGroup, core_of
from stanlocal.errors import NodeNotFound, PortInUse
from stanlocal.faults.base import Fault
from stanlocal.faults.cut import Isolate, Partition
from stanlocal.faults.kill import Kill
from stanlocal.faults.pause import Pause
from stanlocal.faults.registry import FAULTS
from stanlocal.faults.stop import Restart, RollingRestart, Stop
from stanlocal.model.states import GroupState
from tests.integration.faults.conftest import kill_half_way

CASES: Sequence[tuple[Fault, str, GroupState, str]] = [
    (Kill(), "@active", GroupState.DEGRADED, "another"),
    (Kill("SIGTERM"), "@standby", GroupState.DEGRADED, "same"),
    (Stop(), "@active", GroupState.DEGRADED, "another"),
    (Restart(), "@active", GroupState.HEALTHY, "another"),
    (RollingRestart(), "@all", GroupState.HEALTHY, "another"),
    (Pause(), "@active", GroupState.BLOCKED, "nobody"),
    (Pause(), "@standby", GroupState.DEGRADED, "same"),
    (Partition(), "@active", GroupState.DEGRADED, "same"),
    (Partition(), "@standby", GroupState.DEGRADED, "same"),
    (Isolate(), "@active", GroupState.BLOCKED, "nobody"),
    (Isolate(), "@standby", GroupState.DEGRADED, "same"),
]


@pytest.mark.parametrize(
    ("fault", "target", "state", "serves"), CASES, ids=[f"{case[0].name}-{case[1][1:]}" for case in CASES]
)
async def test_does_what_it_predicts_and_is_undone(
    group: FTGroup, fault: Fault, target: str, state: GroupState, serves: str
) -> None:
    before = (await group.look()).status
    injected = await group.inject(fault, target)
    record = await injected.outcome()
    assert record.as_expected is True, (record.expected, record.observed)
    status = (await group.look()).status
    assert status.state is state
    match serves:
        case "same":
            assert status.active == before.active
        case "another":
            assert status.active not in (None, before.active)
        case _:
            assert status.active is None
    healed = await injected.heal()
    assert not healed.in_force
    status = await group.wait_state(GroupState.HEALTHY, timeout=20)
    assert not any(node.paused or node.partitioned for node in status.nodes)
    assert (await group.document())["faults"] == []


KILLED = ("kill", "stop", "restart", "rolling-restart", "pause", "partition", "isolate")
KILLED_ELSEWHERE = {
    *("expire-lock", "truncate-store", "fill-disk", "slow-network", "flaky-network"),
    *("expire-certificate", "wrong-certificate"),
}


def test_every_fault_has_a_test_of_a_tool_that_is_killed_half_way() -> None:
    assert {*KILLED, *KILLED_ELSEWHERE} == FAULTS.keys()


@pytest.mark.parametrize("fault", KILLED)
async def test_killed_half_way_is_healed_by_the_next_change(group: FTGroup, name: str, fault: str) -> None:
    """`status` reports the fault and changes nothing; the next command that changes the group heals it."""
    kill_half_way(name, fault, before="effect")
    document = await group.document()
    assert [each["name"] for each in document["faults"]] == [fault]
    assert (await group.document())["faults"] == document["faults"]
    await group.send_signal("SIGHUP", "0")  # changes nothing, so heals nothing
    assert (await group.document())["faults"] == document["faults"]
    await group.unpause("@all")
    await group.wait_state(GroupState.HEALTHY, timeout=20)
    assert (await group.document())["faults"] == []


async def test_a_fault_past_its_end_is_healed_by_the_next_change(group: FTGroup) -> None:
    injected = await group.inject(Pause(), "@standby", for_s=0.2)
    assert (await group.look()).status.state is GroupState.DEGRADED
    assert injected.record.until is not None
    await asyncio.sleep((injected.record.until - datetime.now(UTC)).total_seconds())
    assert len((await group.document())["faults"]) == 1
    await group.start("@all")
    assert (await group.look()).status.state is GroupState.HEALTHY
    assert (await group.document())["faults"] == []


async def test_a_target_that_dies_meanwhile_is_healed_all_the_same(group: FTGroup) -> None:
    """A frozen node whose container was removed from outside needs no thaw; `up` brings it back."""
    active = (await group.look()).status.active
    injected = await group.pause("@standby")
    engine = (await core_of(group)).engine
    for target in injected.targets:
        await engine.remove(target)
    healed = await injected.heal()
    assert not healed.in_force
    assert (await group.up()).status.active == active


async def test_a_refused_fault_leaves_no_trace(group: FTGroup) -> None:
    before = await group.document()
    with pytest.raises(NodeNotFound, match="no node 'stan-9'"):
        await group.partition("stan-9")
    assert await group.document() == before


async def test_an_isolated_node_whose_port_is_taken_is_not_half_connected(group: FTGroup) -> None:
    """The error names the port; when it is free again the next heal succeeds."""
    standby = next(node for node in (await group.look()).status.nodes if node.usable_standby)
    port = standby.instance.plan.node(standby.name).client_port
    await group.isolate(standby.name)
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortInUse, match=str(port)):
        await group.heal()
    await group.heal()
    assert (await group.look()).status.state is GroupState.HEALTHY
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        assert client.recv(4) == b"INFO"


async def test_heal_puts_right_what_other_hands_froze_and_cut(group: FTGroup) -> None:
    core = await core_of(group)
    plan, _ = await core.find()
    standby = next(node.name for node in (await group.look()).status.nodes if node.usable_standby)
    await core.engine.pause(standby)
    await core.engine.isolate(plan, standby)
    assert (await group.look()).status.state is GroupState.DEGRADED
    assert await group.heal() == []
    await group.wait_state(GroupState.HEALTHY)
