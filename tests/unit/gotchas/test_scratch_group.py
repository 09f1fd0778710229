"""A gotcha takes away no scratch group that some process may be using."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stanlocal.errors import Refused
from stanlocal.gotchas.base import check_removable
from stanlocal.lifecycle import up
from stanlocal.lifecycle.orphans import this_process
from tests.support.world import World


async def test_where_there_is_no_group_nothing_is_in_the_way(world: World) -> None:
    await check_removable(world.group())


@pytest.mark.parametrize(
    "bound_to",
    [None, this_process(), "2 m another-boot pid:[1] 1 b"],
    ids=["unbound", "bound to a live process", "bound on another machine"],
)
async def test_a_group_that_no_ended_process_has_left_is_not_taken_away(
    world: World, bound_to: str | None
) -> None:
    await up.up(world.group(), replace(world.request(), bound_to=bound_to))
    with pytest.raises(Refused, match="remove it with 'stanlocal --group t down --purge'"):
        await check_removable(world.group())


async def test_leftovers_of_an_ended_process_are_not_in_the_way(world: World) -> None:
    await up.up(world.group(), replace(world.request(), bound_to=f"{this_process()}0"))
    await check_removable(world.group())
