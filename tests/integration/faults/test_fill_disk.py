"""Full stores of real servers."""

from __future__ import annotations

import pytest

from stanlocal.api import FTGroup, core_of
from stanlocal.errors import Refused, StanError, StoreRefused
from stanlocal.faults.fill_disk import FillDisk
from stanlocal.model.states import GroupState
from tests.integration.faults.conftest import kill_half_way
from tests.integration.faults.test_data import publish, stored


@pytest.mark.only_on("docker", "processes are kept from writing whatever their store")
async def test_a_group_whose_store_has_no_limit_is_refused(group: FTGroup) -> None:
    with pytest.raises(Refused, match="--store-size"):
        await group.inject(FillDisk())


async def test_servers_end_one_by_one_and_nothing_acknowledged_is_lost(
    fillable: FTGroup, on_engine: str
) -> None:
    active = (await fillable.look()).status.active
    assert active is not None
    await publish(fillable, active, b"acknowledged")
    injected = await fillable.inject(FillDisk())
    assert (await injected.outcome()).as_expected is True
    with pytest.raises(StanError):
        async with fillable.connect("impatient", retry=False) as client:
            await client.publish("orders", b"x" * 4096, timeout=2)
    said = [line.line.text for line in await fillable.logs([active])]
    reason = "no space left on device" if on_engine == "docker" else "file too large"
    assert any(reason in line for line in said)
    await injected.heal()
    await fillable.wait_state(GroupState.HEALTHY, timeout=30)
    assert (await stored(fillable, "orders"))[0] == b"acknowledged"


async def test_killed_half_way_there_is_room_again_after_the_next_change(fillable: FTGroup) -> None:
    name = (await core_of(fillable)).name
    kill_half_way(name, FillDisk.name, before="effect")
    await fillable.start("@all")
    status = await fillable.wait_state(GroupState.HEALTHY)
    assert status.active is not None
    await publish(fillable, status.active, b"y" * 4096)


@pytest.mark.only_on("docker", "processes have their store on disk")
async def test_a_store_in_memory_outlives_down_and_cannot_be_copied(fillable: FTGroup) -> None:
    from stanlocal.group import store_snapshots

    active = (await fillable.look()).status.active
    assert active is not None
    await publish(fillable, active, b"kept", channel="down")
    await fillable.down(timeout=5)
    with pytest.raises(StoreRefused, match="is in a volume of the engine"):
        await store_snapshots.snapshot(await core_of(fillable), "one")
    await fillable.up()
    assert await stored(fillable, "down") == [b"kept"]
