"""Bringing a group up: from nothing, from what is there, and when something is in the way."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from stanlocal.errors import ImageNotFound, NameConflict, NodeFailed, PortInUse, StoreRefused, WaitTimeout
from stanlocal.faults import healing, injection
from stanlocal.faults.base import Fault
from stanlocal.faults.kill import Kill
from stanlocal.faults.pause import Pause
from stanlocal.faults.stop import Stop
from stanlocal.group.core import Group, Look
from stanlocal.group.home import GroupHome
from stanlocal.lifecycle import up
from stanlocal.lifecycle.down import down
from stanlocal.model.states import GroupState
from stanlocal.settings import Settings
from stanlocal.testing.fake.server import Trouble
from tests.support.world import World

FATAL = '[1] 2026/11/23 09:12:31.416164 [FTL] STREAM: cluster ID "a" does not match recovered value of "b"'


@pytest.mark.parametrize("nodes", [1, 2, 5])
async def test_up_from_nothing_ends_with_one_active_node_and_standbys(world: World, nodes: int) -> None:
    look = await world.up(nodes=nodes)
    assert look.status.state is GroupState.HEALTHY
    assert look.status.states == {"t-0": "active"} | {f"t-{i}": "standby" for i in range(1, nodes)}
    assert [*world.machine.networks] == ["t-clients", "t-routes"]


async def test_other_work_is_done_while_the_nodes_wait_for_the_lock(world: World) -> None:
    seen: list[list[bool]] = []

    async def look() -> None:
        seen.append([node.server is not None for node in world.machine.nodes.values()])

    look_at = await up.up(world.group(), replace(world.request(), meanwhile=look))
    assert look_at.status.state is GroupState.HEALTHY
    assert seen == [[True, True]]


async def test_an_up_whose_other_work_fails_removes_what_it_made(world: World) -> None:
    async def fail() -> None:
        raise StoreRefused("in the way")

    with pytest.raises(StoreRefused, match="in the way"):
        await up.up(world.group(), replace(world.request(), meanwhile=fail))
    assert world.machine.nodes == {}


async def test_up_again_changes_nothing(world: World) -> None:
    first = await world.up()
    ids, starts = world.ids, world.starts
    again = await world.up()
    assert (again.plan, again.status) == (first.plan, first.status)
    assert (world.ids, world.starts) == (ids, starts)


async def test_up_without_flags_keeps_what_the_group_was_asked_to_be(world: World) -> None:
    asked = {"cluster_id": "orders", "ft_group_name": "orders"}
    first = await world.up(nodes=3, streaming=asked)
    again = await world.up()
    assert again.plan == first.plan


async def test_a_container_that_a_killed_engine_was_removing_is_replaced(world: World) -> None:
    await world.up()
    left = world.machine.nodes["t-1"]
    assert left.server is not None
    left.server.signal("SIGKILL")
    left.half_removed = True
    look = await world.up()
    assert look.status.state is GroupState.HEALTHY
    assert world.ids["t-1"] != left.id
    world.machine.nodes["t-1"].half_removed = True
    await down(world.group(), timeout=0)
    assert world.machine.nodes == {}


async def test_a_preset_is_applied_to_a_group_that_is_there_and_what_changes_is_said(world: World) -> None:
    await world.up(nodes=2)
    look = await world.up(preset="seed")
    assert len(look.plan.nodes) == 3
    limits = look.plan.streaming["store_limits"]
    assert (limits["max_channels"], limits["max_age"]) == (10, "1h")
    said = [line for line in world.said if line.startswith("preset")]
    assert said == [
        "preset seed: nodes is 3 (it was 2)",
        "preset seed: streaming.store_limits.max_channels is 10 (it was 0)",
        "preset seed: streaming.store_limits.max_age is 1h (it was 0s)",
    ]
    again = await world.up(preset="seed")
    assert again.plan == look.plan
    assert len([line for line in world.said if line.startswith("preset")]) == len(said)


async def test_a_flag_counts_more_than_a_preset_for_a_group_that_is_there(world: World) -> None:
    await world.up(nodes=2)
    assert len((await world.up(preset="seed", nodes=4)).plan.nodes) == 4


async def test_up_after_down_has_the_same_ports_and_store(world: World) -> None:
    first = await world.up()
    await down(world.group(), timeout=0)
    again = await world.up()
    assert again.plan == first.plan
    assert world.machine.stores[again.plan.store_dir].written


async def test_recreate_makes_every_node_again(world: World) -> None:
    await world.up()
    ids = world.ids
    look = await world.up(recreate=True)
    assert look.status.state is GroupState.HEALTHY
    assert all(world.ids[name] != ids[name] for name in ids)


async def test_changed_settings_replace_nodes_one_by_one_the_active_last(world: World) -> None:
    await world.up(nodes=3)
    ids = world.ids
    await injection.inject(world.group(), Kill(), ["t-0"])
    await world.group().wait(lambda status: status.active is not None, timeout=2, waiting_for="a node")
    await healing.start(world.group(), ["t-0"])
    active = (await world.up()).status.active
    assert active in ("t-1", "t-2")

    events = world.engine.events("t")
    destroyed: list[str] = []

    async def listen() -> None:
        async for event in events:
            if event.action == "destroy":
                destroyed.append(event.node)
                others = [node for node in world.machine.nodes.values() if node.name != event.node]
                assert all(node.status == "running" for node in others), "only one at a time is away"

    async with asyncio.TaskGroup() as tasks:
        listener = tasks.create_task(listen())
        await asyncio.sleep(0)
        look = await world.up(streaming={"hb_interval": "7s"})
        listener.cancel()
    assert look.status.state is GroupState.HEALTHY
    assert look.plan.streaming["hb_interval"] == "7s"
    assert sorted(destroyed) == sorted(ids)
    assert destroyed[-1] == active


@pytest.mark.parametrize(("before", "after"), [(2, 4), (3, 2), (2, 1)])
async def test_the_group_is_scaled(world: World, before: int, after: int) -> None:
    first = await world.up(nodes=before)
    look = await world.up(nodes=after)
    assert look.status.state is GroupState.HEALTHY
    assert [node.name for node in look.status.nodes] == [f"t-{i}" for i in range(after)]
    kept = min(before, after)
    assert look.plan.client_urls[:kept] == first.plan.client_urls[:kept]
    assert sorted(world.machine.nodes) == [f"t-{i}" for i in range(after)]


@pytest.mark.parametrize("fault", [Kill(), Stop(), Pause()], ids=lambda fault: fault.name)
@pytest.mark.parametrize("node", ["t-0", "t-1"])
async def test_up_puts_a_fault_right(world: World, fault: Fault, node: str) -> None:
    await world.up()
    ids = world.ids
    record = await injection.inject(world.group(), fault, [node])
    assert record.in_force
    look = await world.up()
    assert look.status.state is GroupState.HEALTHY
    assert world.ids == ids
    assert [fault.in_force for fault in world.home.journal.faults()] == [False]


@pytest.mark.parametrize("fault", [Kill(), Stop(), Pause()], ids=lambda fault: fault.name)
@pytest.mark.parametrize("node", ["t-0", "t-1"])
async def test_changed_settings_come_into_force_whatever_was_done_to_nodes(
    world: World, fault: Fault, node: str
) -> None:
    await world.up()
    await injection.inject(world.group(), fault, [node])
    look = await world.up(streaming={"hb_interval": "7s"})
    assert look.status.state is GroupState.HEALTHY
    assert {found.plan.streaming["hb_interval"] for found in await world.engine.instances("t")} == {"7s"}


async def test_up_starts_a_node_that_was_ending_when_it_looked(world: World) -> None:
    """A server whose supervisor was killed runs on for a moment."""
    look = await world.up()

    async def meanwhile(settings: Settings) -> None:
        await world.engine.signal("t-1", "SIGKILL")

    again = await up.up(world.group(), replace(world.request(), ensure_image=meanwhile))
    assert again.status.state is GroupState.HEALTHY
    assert again.plan == look.plan


async def test_up_brings_back_a_node_removed_from_outside_under_its_old_ports(world: World) -> None:
    first = await world.up(nodes=3)
    await world.engine.remove("t-0")
    await world.engine.remove("t-2")
    again = await world.up()
    assert again.status.state is GroupState.HEALTHY
    assert again.plan == first.plan


async def test_up_connects_routes_that_were_cut(world: World) -> None:
    look = await world.up()
    await world.engine.disconnect_routes(look.plan, "t-1")
    assert (await world.group().look()).status.state is GroupState.DEGRADED
    assert (await world.up()).status.state is GroupState.HEALTHY


async def test_networks_removed_from_outside_are_made_again(world: World) -> None:
    await world.up()
    await injection.inject(world.group(), Stop(), ["@all"])
    world.machine.networks.clear()
    assert (await world.up()).status.state is GroupState.HEALTHY


# Obstacles


def ports(look: Look) -> list[tuple[int, int]]:
    return [(node.client_port, node.monitor_port) for node in look.plan.nodes]


@pytest.mark.parametrize("seen", ["before", "at the start"])
@pytest.mark.parametrize("which", [0, 1], ids=["client", "monitor"])
async def test_only_the_taken_port_of_a_group_that_comes_back_is_replaced(
    which: int, seen: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The usual ports of its node are free by then: they are not what clients of the group know."""
    world.machine.taken_ports = {4223, 8223}
    first, had = ports(await world.up())
    assert had == (4224, 8224)
    await down(world.group(), timeout=0)
    world.machine.taken_ports = {had[which]}
    if seen == "before":
        for user_of_ports in ("stanlocal.lifecycle.port_allocation", "stanlocal.lifecycle.planner"):
            monkeypatch.setattr(f"{user_of_ports}.is_free", lambda port, host="": port != had[which])
    again = await world.up()
    assert again.status.state is GroupState.HEALTHY
    same, now = ports(again)
    assert same == first
    assert [port == before for port, before in zip(now, had, strict=True)] == [which != 0, which != 1]
    assert GroupHome(world.home.folder).load_plan() == again.plan


async def test_a_node_that_a_healed_fault_cannot_start_on_its_port_is_moved(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = (await world.up()).plan.nodes[0].client_port

    async def started_by_healing(group: Group, found: object) -> None:
        raise PortInUse(f"port {taken} is taken", taken)

    await injection.inject(world.group(), Pause(), ["t-0"])
    await world.engine.stop("t-0", 0)
    world.machine.taken_ports = {taken}
    monkeypatch.setattr("stanlocal.faults.healing.undo", started_by_healing)
    look = await world.up()
    assert look.status.state is GroupState.HEALTHY
    assert look.plan.nodes[0].client_port != taken


async def test_a_port_that_was_asked_for_is_not_replaced(world: World) -> None:
    world.machine.taken_ports.add(24391)
    with pytest.raises(PortInUse) as caught:
        await world.up(port=24390)
    assert caught.value.port == 24391
    assert world.left == {}


@pytest.mark.parametrize("name", ["t-0", "t-1"])
async def test_a_foreign_container_of_a_needed_name_stays_and_stops_the_up(world: World, name: str) -> None:
    foreign = world.machine.foreign_container(name)
    with pytest.raises(NameConflict) as caught:
        await world.up()
    assert caught.value.name == name
    assert world.left == {"nodes": [name]}
    assert world.machine.nodes[name] is foreign


@pytest.mark.parametrize("name", ["t-clients", "t-routes"])
async def test_a_foreign_network_of_a_needed_name_stays_and_stops_the_up(world: World, name: str) -> None:
    foreign = world.machine.foreign_network(name)
    with pytest.raises(NameConflict):
        await world.up()
    assert world.left == {"networks": [name]}
    assert world.machine.networks[name] is foreign


async def test_an_image_that_vanishes_stops_the_up(world: World) -> None:
    request = world.request(image="gone:1")

    async def ensure_image(settings: object) -> None:
        world.machine.missing_images.add("gone:1")

    object.__setattr__(request, "ensure_image", ensure_image)
    with pytest.raises(ImageNotFound):
        await up.up(world.group(), request)
    assert world.left == {}


async def test_a_node_that_fails_ends_the_up_at_once_with_its_last_words(world: World) -> None:
    world.machine.troubles["t-0"] = Trouble("recovery", FATAL)
    with pytest.raises(NodeFailed, match="t-0 failed: exit 1: cluster ID") as caught:
        await world.up(timeout=60)
    assert (caught.value.node, caught.value.exit_code) == ("t-0", 1)
    assert caught.value.log_tail[-1] == FATAL
    assert world.left == {}


async def test_a_node_that_never_gets_ready_ends_the_up_when_time_is_over(world: World) -> None:
    world.machine.troubles["t-1"] = Trouble("boot")
    with pytest.raises(WaitTimeout, match=r"not reached after 0\.2 s \(t-0 active, t-1 starting\)") as caught:
        await world.up(timeout=0.2)
    assert caught.value.states == {"t-0": "active", "t-1": "starting"}
    assert any(line.startswith("t-1: ") for line in caught.value.log_tail)
    assert world.left == {}


async def test_an_up_that_fails_leaves_a_new_volume_that_has_served(world: World) -> None:
    world.machine.troubles["t-1"] = Trouble("boot")
    with pytest.raises(WaitTimeout):
        await world.up(store_size="32mb", timeout=0.5)
    assert world.machine.nodes == {}
    assert list(world.machine.volumes) == ["t-store"]
    assert any("the store's volume has served: it stays" in line for line in world.said)
    world.machine.troubles.clear()
    await world.up(store_size="32mb")
    await down(world.group(), timeout=0, purge_store=True)
    assert world.machine.volumes == {}
    assert world.left == {}


async def test_a_volume_that_served_is_purged_also_where_the_up_has_failed(world: World) -> None:
    world.machine.troubles["t-1"] = Trouble("boot")
    with pytest.raises(WaitTimeout):
        await world.up(store_size="32mb", timeout=0.5)
    await down(world.group(), timeout=0, purge_store=True)
    assert world.machine.volumes == {}
    assert world.left == {}


async def test_an_up_of_a_temporary_group_that_fails_leaves_no_volume(world: World) -> None:
    world.machine.troubles["t-1"] = Trouble("boot")
    request = replace(world.request(store_size="32mb", timeout=0.5), bound_to="a process")
    with pytest.raises(WaitTimeout):
        await up.up(world.group(), request)
    assert world.machine.volumes == {}
    assert world.left == {}


async def test_an_up_that_fails_leaves_no_new_volume_on_which_no_node_was_active(world: World) -> None:
    world.machine.troubles.update({name: Trouble("boot", FATAL) for name in ("t-0", "t-1")})
    with pytest.raises(NodeFailed):
        await world.up(store_size="32mb")
    assert world.machine.volumes == {}
    assert world.left == {}


async def test_a_new_volume_stays_where_the_log_that_could_tell_whether_it_served_is_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.machine.troubles["t-1"] = Trouble("boot", FATAL)
    undo = up._Bringup.undo

    async def undo_after_a_removal(bringup: up._Bringup) -> None:
        await world.engine.remove("t-0")
        await undo(bringup)

    monkeypatch.setattr(up._Bringup, "undo", undo_after_a_removal)
    with pytest.raises(NodeFailed):
        await world.up(store_size="32mb")
    assert list(world.machine.volumes) == ["t-store"]


async def test_an_up_that_fails_leaves_a_group_that_was_there_to_the_next_up(world: World) -> None:
    first = await world.up()
    await injection.inject(world.group(), Stop(), ["t-1"])
    world.machine.troubles["t-1"] = Trouble("boot", FATAL)
    with pytest.raises(NodeFailed):
        await world.up()
    assert (await world.group().look()).status.active == "t-0"
    world.machine.troubles.clear()
    assert (await world.up()).plan == first.plan


async def test_an_up_that_fails_does_not_change_what_a_plain_up_does(world: World) -> None:
    first = await world.up()
    world.machine.troubles["t-1"] = Trouble("boot", FATAL)
    with pytest.raises(NodeFailed):
        await world.up(streaming={"hb_interval": "7s"})
    world.machine.troubles.clear()
    assert (await world.up()).plan == first.plan


async def test_two_at_once_both_succeed_and_make_one_group(world: World) -> None:
    looks = await asyncio.gather(*(up.up(world.group(), world.request()) for _ in range(2)))
    assert [look.status.state for look in looks] == [GroupState.HEALTHY] * 2
    assert looks[0].plan == looks[1].plan
    assert len(world.machine.nodes) == 2
    assert world.said.count("waiting for another command that changes 't'") == 1


# Down


async def test_down_keeps_store_plan_and_story(world: World) -> None:
    look = await world.up()
    store = Path(look.plan.store_dir)
    done = await down(world.group())
    assert (done.removed, done.purged) == (("t-0", "t-1"), None)
    assert world.left == {"folders": ["t"]}
    assert store.is_dir()
    after = await world.group().look()
    assert (after.plan, after.status.state) == (look.plan, GroupState.DOWN)
    assert [event.type for event in await world.group().events()].count("lock") == 1
    assert len(await world.group().logs(tail=1)) == 2


async def test_down_ends_every_node_whatever_its_condition(world: World) -> None:
    await world.up(nodes=4)
    await injection.inject(world.group(), Pause(), ["t-0"])
    await injection.inject(world.group(), Kill(), ["t-1"])
    await injection.inject(world.group(), Stop(), ["t-2"])
    await down(world.group())
    assert world.left == {"folders": ["t"]}


async def test_down_twice_finds_nothing_the_second_time(world: World) -> None:
    await world.up()
    await down(world.group(), timeout=0)
    assert (await down(world.group())).removed == ()


async def test_a_purge_leaves_nothing(world: World) -> None:
    await world.up()
    done = await down(world.group(), timeout=0, purge_store=True)
    assert done.purged is not None
    assert done.had_store
    assert world.left == {}


async def test_a_purge_of_a_group_that_never_was_claims_to_have_deleted_no_store(world: World) -> None:
    done = await down(world.group(), timeout=0, purge_store=True)
    assert not done.had_store


async def test_a_purge_leaves_what_is_not_the_servers(world: World) -> None:
    look = await world.up()
    mine = Path(look.plan.store_dir) / "thesis.tex"
    mine.write_text("x")
    done = await down(world.group(), timeout=0, purge_store=True)
    assert done.purged is not None
    assert done.purged.left == (str(mine),)
    assert mine.read_text() == "x"


async def leave_drafts(world: World) -> list[Path]:
    """Write the files that a killed snapshot, restore and `save_plan` leave."""
    look = await world.up()
    store = Path(look.plan.store_dir)
    await down(world.group(), timeout=0)
    unfinished = world.home.folder / "snapshots" / "one.stanlocal-draft"
    restored = store.with_name(f".{store.name}.stanlocal-draft")
    for draft in (unfinished, restored):
        shutil.copytree(store, draft, symlinks=True)
    (world.home.folder / ".group.json.1").write_text("half")
    return [unfinished, restored]


async def test_a_purge_leaves_no_draft_of_a_killed_command(world: World) -> None:
    await leave_drafts(world)
    await down(world.group(), purge_store=True)
    assert world.left == {}


async def test_up_removes_the_drafts_of_killed_commands(world: World) -> None:
    drafts = await leave_drafts(world)
    await world.up()
    assert not any(draft.exists() for draft in drafts)


async def test_up_puts_back_the_store_that_a_killed_restore_had_set_aside(world: World) -> None:
    look = await world.up()
    store = Path(look.plan.store_dir)
    (store / "server.dat").write_bytes(b"kept")
    await down(world.group(), timeout=0)
    store.rename(store.with_name(f".{store.name}.stanlocal-draft-old"))
    await world.up()
    assert (store / "server.dat").read_bytes() == b"kept"


async def test_a_purge_leaves_a_store_that_was_there_before_also_where_a_killed_restore_had_set_it_aside(
    world: World, tmp_path: Path
) -> None:
    store = tmp_path / "mine"
    store.mkdir()
    (store / ".rootdir.lck").touch()  # so it is a store that stanlocal did not make
    await world.up(store_dir=str(store))
    (store / "server.dat").write_bytes(b"kept")
    await down(world.group(), timeout=0)
    store.rename(store.with_name(f".{store.name}.stanlocal-draft-old"))
    with pytest.raises(StoreRefused, match="it was a store before stanlocal used it"):
        await down(world.group(), purge_store=True)
    assert (store / "server.dat").read_bytes() == b"kept"


async def test_an_up_that_is_cancelled_again_while_it_is_undone_is_undone_to_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove = world.engine.remove

    async def remove_after_a_cancellation(node: str) -> None:
        upping.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await remove(node)

    async def wait_until_cancelled() -> None:
        upping.cancel()
        await asyncio.Event().wait()

    monkeypatch.setattr(world.engine, "remove", remove_after_a_cancellation)
    request = replace(world.request(), meanwhile=wait_until_cancelled)
    upping = asyncio.create_task(up.up(world.group(), request))
    with pytest.raises(asyncio.CancelledError):
        await upping
    assert world.left == {}
