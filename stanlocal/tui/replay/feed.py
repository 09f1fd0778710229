"""The feed of a replay: posts moments of a drill as a live group's feed does, on the replay's clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.message import Message

from stanlocal.api import FTGroup
from stanlocal.errors import Refused
from stanlocal.group.core import Group
from stanlocal.group.resources import Resources
from stanlocal.lifecycle.opener import GroupOpener
from stanlocal.lifecycle.planner import TIMEOUT_S
from stanlocal.model.command_line import DEFAULT_GROUP
from stanlocal.model.fault_record import FaultRecord
from stanlocal.tui.messages import (
    EventSeen,
    FailoversChanged,
    GapFelt,
    GroupChanged,
    LogLines,
    ResourcesMeasured,
)
from stanlocal.tui.replay.clock import ReplayClock
from stanlocal.tui.replay.story import Moment, Scene, Story, apply

_TICK_S = 0.2
"""Seconds between two posts of the clock's position."""


class Ticked(Message):
    """The clock has moved, or was changed."""


class StepBegun(Message):
    """A step of the drill begins."""

    def __init__(self, doing: str) -> None:
        super().__init__()
        self.doing = doing


class Ended(Message):
    """The whole drill was shown."""


class _NoGroup(GroupOpener):
    """An opener that refuses to open: a group of that name may be there, and is another."""

    async def core(self) -> Group:
        raise Refused("this is a replay, and no group runs; open one with 'stanlocal tui'")


class ReplayedGroup(FTGroup):
    """The group of a drill that is over: only its faults are known, and all else is refused."""

    def __init__(self, story: Story, clock: ReplayClock) -> None:
        self._open(_NoGroup({"group": DEFAULT_GROUP}), TIMEOUT_S, purge=False)
        self._story, self._clock = story, clock

    async def faults(self) -> list[FaultRecord]:
        """Return the faults that were injected by the clock's position."""
        return [*self._story.faults(self._clock.position)]


class ReplayFeed:
    """Source of messages about a replayed group; it has the methods of `tui.feed.Feed`."""

    def __init__(self, story: Story, clock: ReplayClock, post: Callable[[Message], object]) -> None:
        self._story, self._clock, self._post = story, clock, post

    async def look(self) -> None:
        """Post the group as it was at the start."""
        self._post_group(self._story.scene())

    async def follow_group(self) -> None:
        """Post the moments in order, each when the clock reaches it; wait at the end, until cancelled.

        The clock begins here, so that nothing is over before the screen is there.
        """
        self._clock.begin_again()
        scene = self._story.scene()
        self._post(LogLines((), 0, replay=True))
        self._post(EventSeen((), replay=True))
        self._post(FailoversChanged(()))
        self._post_group(scene)
        for moment in self._story.moments:
            await self._clock.until(moment.at)
            self._post_moment(scene, moment)
        await self._clock.until(self._story.length)
        self._post(Ended())
        await asyncio.Event().wait()

    async def follow_resources(self) -> None:
        """Post the position of the clock, until cancelled."""
        while True:
            self._post(Ticked())
            await asyncio.sleep(_TICK_S)

    def _post_moment(self, scene: Scene, moment: Moment) -> None:
        if moment.event is not None:
            self._post(EventSeen((moment.event,), replay=False))
            if apply(scene, moment.event):
                self._post_group(scene)
        if moment.failovers is not None:
            self._post(FailoversChanged(moment.failovers))
        if moment.doing is not None:
            self._post(StepBegun(moment.doing))
        if moment.gap is not None:
            self._post(GapFelt(moment.gap))
        if moment.counts is not None:
            who = scene.active or next(iter(scene.nodes), "")
            self._post(ResourcesMeasured({who: Resources(counts=moment.counts)}))

    def _post_group(self, scene: Scene) -> None:
        self._post(GroupChanged(scene.document(), None, ()))
