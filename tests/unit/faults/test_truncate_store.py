"""Repair of a damaged store by one of the group's nodes."""

from __future__ import annotations

import pytest

from stanlocal.errors import Refused
from stanlocal.faults import healing
from stanlocal.lifecycle import down
from tests.support.world import World


async def test_repair_of_a_group_without_nodes_is_refused(world: World) -> None:
    await world.up()
    await down.down(world.group())
    with pytest.raises(Refused, match="t-0 does not exist, so it cannot repair the store"):
        await healing.repair_store(world.group())
