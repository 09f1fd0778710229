"""A group belongs to the engine, the machine and the state folder that made it; its store to its id."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from stanlocal.errors import GroupNotFound, NodeFailed, StoreRefused, WrongEngine
from stanlocal.faults import healing, injection
from stanlocal.faults.kill import Kill
from stanlocal.group import store_snapshots
from stanlocal.group.core import Group
from stanlocal.group.home import GroupHome
from stanlocal.lifecycle import up
from stanlocal.lifecycle.down import down
from stanlocal.model import plan_json
from stanlocal.model.plan import Origin
from stanlocal.store.guard.claim import claim
from stanlocal.store.guard.content import inspect_store
from stanlocal.store.guard.purge import PurgeReport
from stanlocal.testing.fake.engine import FakeEngine
from stanlocal.testing.fake.machine import FakeMachine
from stanlocal.testing.fake.server import Trouble
from tests.support.lock_holders import holding_lock
from tests.support.world import World
from tests.unit.store.trees import fill, snapshot

FATAL = '[1] 2026/11/23 09:12:31.416164 [FTL] STREAM: cluster ID "a" does not match recovered value of "b"'


def elsewhere(world: World) -> Group:
    """The group as it is seen through another engine, which has nothing."""
    return world.group(FakeEngine(FakeMachine()))


async def test_the_plan_says_who_the_group_is_and_where_it_was_made(world: World) -> None:
    plan = (await world.up()).plan
    assert plan.origin == Origin(world.machine.engine_id, "memory", None)
    assert plan.group_id == world.home.group_id()
    assert inspect_store(Path(plan.store_dir)).marker is not None
    assert plan_json.from_json(plan_json.to_json(plan)) == plan
    await down(world.group())
    assert (await world.up()).plan.group_id == plan.group_id
    await down(world.group(), purge_store=True)
    assert world.left == {}
    assert (await world.up()).plan.group_id != plan.group_id


async def test_through_another_engine_nothing_is_done_or_said_of_the_group(world: World) -> None:
    await world.up()
    before, other = snapshot(world.folder), elsewhere(world)
    why = rf"another engine \({world.machine.engine_id} at memory, .* move .*group.json away"
    for purge_store in (False, True):
        with pytest.raises(WrongEngine, match=why):
            await down(other, purge_store=purge_store)
    with pytest.raises(WrongEngine, match=why):
        await up.up(other, world.request())
    with pytest.raises(WrongEngine, match=why):
        await store_snapshots.snapshot(other, "copy")
    (store_snapshots.folder(other) / "copy").mkdir(parents=True)
    with pytest.raises(WrongEngine, match=why):
        await store_snapshots.restore(other, "copy")
    (store_snapshots.folder(other) / "copy").rmdir()
    store_snapshots.folder(other).rmdir()
    for call in (other.look(), injection.inject(other, Kill()), healing.heal(other), other.logs()):
        with pytest.raises(WrongEngine, match=why):
            await call
    assert snapshot(world.folder) == before


async def test_a_group_whose_engine_is_gone_for_good_is_given_up_by_hand(world: World) -> None:
    await world.up()
    world.home.plan_file.unlink()
    other = elsewhere(world)
    assert (await down(other, purge_store=True)).purged is not None
    assert world.home.group_id() is None
    with pytest.raises(GroupNotFound):
        await other.find()


async def test_a_machine_counts_only_where_it_is_known() -> None:
    here = Origin("e", "unix:///a", "m")
    assert here.difference(replace(here, address="tcp://b:1")) is None
    assert here.difference(replace(here, machine=None)) is None
    assert here.difference(Origin()) is None
    assert "another machine (m, this one is n)" in str(here.difference(replace(here, machine="n")))
    assert "another engine" in str(here.difference(replace(here, engine="f")))


async def test_a_group_of_an_earlier_version_is_used_and_then_knows_itself(world: World) -> None:
    look = await world.up()
    marker = Path(look.plan.store_dir) / ".stanlocal.json"
    marker.write_text('{"group": "t", "created": "", "adopted": false, "version": 1}\n')
    old = replace(look.plan, group_id=None, origin=None)
    for node in world.machine.nodes.values():
        node.plan = old
    (world.home.folder / "id").unlink()
    world.home.save_plan(old)
    assert (await world.group().look()).status.active == "t-0"
    ids = world.ids
    plan = (await world.up()).plan
    assert world.ids == ids  # no node was made again for it
    found = inspect_store(Path(plan.store_dir)).marker
    assert found is not None
    assert found.id == plan.group_id is not None
    assert (await world.group().find())[0].origin == plan.origin is not None
    await down(world.group(), purge_store=True)
    assert world.left == {}


async def test_two_groups_of_one_name_cannot_have_one_store(world: World) -> None:
    store = world.folder / "data"
    await world.up(store_dir=str(store))
    fill(store)
    other = Group(FakeEngine(FakeMachine()), "t", GroupHome(world.folder / "other" / "t"))
    before = snapshot(store)
    with pytest.raises(StoreRefused, match="another group 't', from another state folder"):
        await up.up(other, world.request(store_dir=str(store)))
    assert not other.home.folder.exists()
    plan = world.home.load_plan()
    assert plan is not None
    other.home.save_plan(replace(plan, group_id="another", origin=None))
    with pytest.raises(StoreRefused, match=r"nothing of .* was deleted: .* from another state folder"):
        await down(other, purge_store=True)
    assert snapshot(store) == before


async def test_a_copy_of_the_groups_own_store_is_served_and_never_deleted(world: World) -> None:
    own, copy = world.folder / "data", world.folder / "copy"
    await world.up(store_dir=str(own))
    fill(own)
    await down(world.group())
    shutil.copytree(own, copy)
    world.said.clear()
    await world.up(store_dir=str(copy))
    assert [line for line in world.said if "down --purge" in line] == [
        f"the store {copy} is a copy, or was moved here: 'stanlocal down --purge' will not delete it"
    ]
    before = snapshot(copy)
    with pytest.raises(StoreRefused, match=f"nothing of {copy} was deleted: .* it is a copy"):
        await down(world.group(), purge_store=True)
    assert snapshot(copy) == before
    assert (await world.group().look()).status.active is not None  # it was refused before a node was stopped
    await world.up(store_dir=str(own))
    assert (await down(world.group(), purge_store=True)).purged == PurgeReport()
    assert not own.exists()
    assert snapshot(copy) == before
    assert world.left == {}


async def test_what_is_put_where_an_up_failed_is_not_taken_for_a_store_of_ours(world: World) -> None:
    own, later = world.folder / "data", world.folder / "later"
    await world.up(store_dir=str(own))
    fill(own)
    await down(world.group())
    world.machine.troubles["t-0"] = Trouble("boot", FATAL)
    with pytest.raises(NodeFailed):
        await world.up(store_dir=str(later))
    world.machine.troubles.clear()
    shutil.copytree(own, later)
    await world.up(store_dir=str(later))
    with pytest.raises(StoreRefused, match=f"nothing of {later} was deleted: .* it is a copy"):
        await down(world.group(), purge_store=True)


async def test_a_store_whose_up_was_killed_before_it_was_noted_is_deleted(world: World) -> None:
    store = world.folder / "data"
    world.home.save_group_id("one")
    claim(store, group="t", cluster_id="test-cluster", user=f"{os.getuid()}:{os.getgid()}", group_id="one")
    await world.up(store_dir=str(store))
    fill(store)
    assert (await down(world.group(), purge_store=True)).purged == PurgeReport()
    assert not store.exists()


async def test_a_store_in_use_by_others_is_neither_purged_nor_copied_nor_served(world: World) -> None:
    store = world.folder / "data"
    await world.up(store_dir=str(store))
    fill(store)
    await store_snapshots_of(world)
    with holding_lock(store) as pid:
        named = f"process {pid} .* has the lock"
        with pytest.raises(StoreRefused, match=named):
            await down(world.group(), purge_store=True)
        with pytest.raises(StoreRefused, match=f"was not copied: {named}"):
            await store_snapshots.snapshot(world.group(), "two")
        with pytest.raises(StoreRefused, match=f"was not replaced: {named}"):
            await store_snapshots.restore(world.group(), "one")
        with pytest.raises(StoreRefused, match=f"no node of t could serve.*{named}"):
            await world.up()
    assert store_snapshots.listed(world.group()) == ["one"]


async def store_snapshots_of(world: World) -> None:
    """Take the group down and copy its store as `one`."""
    await down(world.group())
    await store_snapshots.snapshot(world.group(), "one")


async def test_a_restore_into_the_store_of_another_group_is_refused(world: World) -> None:
    store = world.folder / "data"
    plan = (await world.up(store_dir=str(store))).plan
    fill(store)
    await store_snapshots_of(world)
    world.home.save_plan(replace(plan, group_id="another"))
    before = snapshot(store)
    with pytest.raises(StoreRefused, match="from another state folder"):
        await store_snapshots.restore(world.group(), "one")
    assert snapshot(store) == before


async def test_a_failed_up_leaves_the_volume_that_was_there(world: World) -> None:
    """The command uses another state folder, so no plan names the volume."""
    await world.up(store_size="32mb")
    await down(world.group())
    other = Group(world.engine, "t", GroupHome(world.folder / "other" / "t"))
    world.machine.troubles["t-0"] = Trouble("boot", FATAL)
    with pytest.raises(NodeFailed):
        await up.up(other, world.request(store_size="32mb"))
    assert [*world.machine.volumes] == ["t-store"]
    assert not other.home.folder.exists()


async def test_a_failed_up_removes_the_volume_that_it_made(world: World) -> None:
    await world.up()
    await down(world.group())
    world.machine.troubles.update({name: Trouble("boot", FATAL) for name in ("t-0", "t-1")})
    with pytest.raises(NodeFailed):
        await world.up(store_size="32mb")
    assert world.machine.volumes == {}
    saved = world.home.load_plan()
    assert saved is not None
    assert saved.store_size is None


async def test_a_failed_up_leaves_the_folder_that_was_there(world: World) -> None:
    store = world.folder / "data"
    store.mkdir()
    world.machine.troubles["t-0"] = Trouble("boot", FATAL)
    with pytest.raises(NodeFailed):
        await world.up(store_dir=str(store))
    assert [*store.iterdir()] == []
    assert world.left == {}


async def test_a_store_that_has_served_knows_its_group_after_an_up_that_failed(world: World) -> None:
    store = world.folder / "data"
    store.mkdir()
    fill(store)
    world.machine.troubles["t-0"] = Trouble("boot", FATAL)
    with pytest.raises(NodeFailed):
        await world.up(store_dir=str(store))
    world.machine.troubles.clear()
    await world.up(store_dir=str(store))
