"""The group of a replay: its faults are known, and nothing is done to a group of that name."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from stanlocal.api import FTGroup, core_of
from stanlocal.errors import Refused
from stanlocal.tui.replay.clock import ReplayClock
from stanlocal.tui.replay.feed import ReplayedGroup
from stanlocal.tui.replay.story import Story
from tests.tui.replay.test_story import ledger

ACTS: dict[str, Callable[[FTGroup], Coroutine[Any, Any, object]]] = {
    "core": core_of,
    "up": lambda group: group.up(),
    "down": lambda group: group.down(purge=True),
    "kill": lambda group: group.kill(),
    "heal": lambda group: group.heal(),
    "look": lambda group: group.look(),
}


@pytest.mark.parametrize("act", ACTS)
async def test_a_replayed_group_refuses_all_but_its_faults(act: str) -> None:
    story = Story(ledger().findings())
    clock = ReplayClock(story.length)
    group = ReplayedGroup(story, clock)
    clock.step()
    assert isinstance(await group.faults(), list)
    with pytest.raises(Refused, match="this is a replay, and no group runs"):
        await ACTS[act](group)
