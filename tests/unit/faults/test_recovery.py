"""Recovery of what faults and repairs leave, where something else happens meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from stanlocal.errors import EngineError, PortInUse, WaitTimeout
from stanlocal.faults import healing, injection, truncate_store
from stanlocal.faults.cut import Isolate
from stanlocal.faults.kill import Kill
from stanlocal.faults.pause import Pause
from stanlocal.model.plan import GroupPlan, NodePlan
from stanlocal.testing.fake.server import Trouble
from tests.support.world import World


async def test_a_node_that_is_gone_keeps_no_other_from_being_healed(world: World) -> None:
    await world.up(nodes=3)
    await injection.inject(world.group(), Kill(), ["t-0", "t-1"])
    await world.engine.remove("t-0")
    await healing.heal(world.group())
    running = {each.name: each.running for each in await world.engine.instances("t")}
    assert running == {"t-1": True, "t-2": True}


async def test_a_node_or_a_fault_that_cannot_be_healed_keeps_no_other_from_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rejoin = world.engine.rejoin

    async def rejoin_but_one(plan: GroupPlan, node: str) -> None:
        if node == "t-0":
            raise PortInUse("port 4222 for t-0 is taken; free it", 4222)
        await rejoin(plan, node)

    monkeypatch.setattr(world.engine, "rejoin", rejoin_but_one)
    await world.up(nodes=3)
    group = world.group()
    await injection.inject(group, Pause(), ["t-2"])
    await injection.inject(group, Isolate(), ["t-0", "t-1"])
    with pytest.raises(PortInUse, match="for t-0 is taken"):
        await healing.heal(group)
    cut = {each.name: not each.clients_connected for each in await world.engine.instances("t")}
    assert cut == {"t-0": True, "t-1": False, "t-2": False}
    assert world.machine.nodes["t-2"].status == "running"
    assert [fault.name for fault in group.home.journal.faults() if fault.in_force] == ["isolate"]


async def test_nodes_start_again_after_a_restore_that_is_cancelled_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def put_back_until_cancelled(group: object, name: str, store: Path) -> str:
        restoring.cancel()
        await asyncio.Event().wait()
        raise AssertionError("cancelled")

    start = world.engine.start

    async def start_after_a_cancellation(plan: GroupPlan, node: str) -> None:
        restoring.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await start(plan, node)

    await world.up()
    monkeypatch.setattr(healing, "put_back_now", put_back_until_cancelled)
    monkeypatch.setattr(world.engine, "start", start_after_a_cancellation)
    restoring = asyncio.create_task(healing.put_store_back(world.group(), "copy"))
    with pytest.raises(asyncio.CancelledError):
        await restoring
    assert all(each.running for each in await world.engine.instances("t"))


async def test_a_repair_that_fails_does_not_leave_its_option_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.up()
    before = {each.name: each.fingerprint for each in await world.engine.instances("t")}
    for name in before:
        await world.engine.stop(name, 0)
    world.machine.troubles["t-0"] = Trouble(
        "recovery", "[1] 2026/01/01 00:00:00.000000 [FTL] STREAM: Failed to start: invalid checksum"
    )
    monkeypatch.setattr(truncate_store, "_REPAIR_S", 0.1)
    with pytest.raises(WaitTimeout, match="t-0 to serve after a repair"):
        await healing.repair_store(world.group())
    after = await world.engine.instances("t")
    assert {each.name: each.fingerprint for each in after} == before
    assert not any(node.arguments for each in after for node in each.plan.nodes)


async def test_a_repair_whose_node_cannot_be_made_with_the_option_makes_it_without(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = world.engine.create

    async def refuse_the_option(plan: GroupPlan, node: NodePlan, fingerprint: str) -> None:
        if node.arguments:
            raise EngineError("the engine refused")
        await create(plan, node, fingerprint)

    await world.up()
    before = {each.name: each.fingerprint for each in await world.engine.instances("t")}
    for name in before:
        await world.engine.stop(name, 0)
    monkeypatch.setattr(world.engine, "create", refuse_the_option)
    with pytest.raises(EngineError, match="the engine refused"):
        await healing.repair_store(world.group())
    assert {each.name: each.fingerprint for each in await world.engine.instances("t")} == before


async def test_a_node_that_cannot_be_thawed_keeps_no_other_from_being_reconnected(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = await world.up()

    async def refuse(node: str) -> None:
        raise EngineError(f"{node} stays frozen")

    monkeypatch.setattr(world.engine, "unpause", refuse)
    await world.engine.pause("t-0")
    await world.engine.disconnect_routes(look.plan, "t-1")
    with pytest.raises(EngineError, match="t-0 stays frozen"):
        await healing.heal(world.group())
    assert all(each.routes_connected for each in await world.engine.instances("t"))


async def test_a_taken_port_hides_no_other_error_of_healing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`up` goes on after the one, as it moves the node, but not after the other."""
    await world.up()
    for node in ("t-0", "t-1"):
        await injection.inject(world.group(), Pause(), [node])
    errors = iter([PortInUse("port 4222 is taken", 4222), EngineError("it stays frozen")])

    async def fail(*of: object) -> None:
        raise next(errors)

    monkeypatch.setattr(healing, "_undo", fail)
    with pytest.raises(EngineError, match="it stays frozen"):
        await healing.heal_but_ended(world.group())
