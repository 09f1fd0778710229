"""The group and the feed of a replay: faults are known, nothing is done to a group of that name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from textual.message import Message

from stanlocal.api import FTGroup, core_of
from stanlocal.errors import Refused
from stanlocal.tui.replay.clock import ReplayClock
from stanlocal.tui.replay.feed import Ended, ReplayedGroup, ReplayFeed
from stanlocal.tui.replay.story import Story
from tests.tui.replay.test_clock import Time
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


async def test_the_clock_begins_with_the_feed_however_long_the_screen_took() -> None:
    story, time, posted = Story(ledger().findings()), Time(), list[Message]()
    clock = ReplayClock(story.length, now=time)
    time.now += story.length
    following = asyncio.create_task(ReplayFeed(story, clock, posted.append).follow_group())
    await asyncio.sleep(0)
    assert clock.position == 0
    assert not any(isinstance(each, Ended) for each in posted)
    time.now += story.length
    clock.change_speed(0)  # looks at the time again
    while not any(isinstance(each, Ended) for each in posted):  # noqa: ASYNC110 - the feed takes its turn
        await asyncio.sleep(0)
    following.cancel()
