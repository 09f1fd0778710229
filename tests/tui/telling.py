"""A feed that posts what a real group left behind (tests/unit/history/recorded_groups), up to a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import ClassVar

from textual.message import Message
from textual.pilot import Pilot

from stanlocal.api import FTGroup
from stanlocal.group.home import GroupHome
from stanlocal.group.resources import Counts, Resources
from stanlocal.history import failovers, timeline
from stanlocal.logs.merge import NodeLine, read_all
from stanlocal.model.group_document import group_document
from stanlocal.model.instance import RawLine
from stanlocal.model.states import GroupState, GroupStatus
from stanlocal.testing.fake.engine import FakeEngine
from stanlocal.testing.fake.machine import FakeMachine
from stanlocal.tui import Notices
from stanlocal.tui.app import StanlocalApp
from stanlocal.tui.messages import (
    EngineLost,
    EventSeen,
    FailoversChanged,
    GroupChanged,
    LogLines,
    ResourcesMeasured,
)
from stanlocal.tui.preferences import Preferences
from stanlocal.tui.screens.main import WIDE_FROM
from stanlocal.tui.themes import THEMES
from tests.tui.conftest import until_shown
from tests.unit.history.test_recorded_groups import RECORDINGS, recording

_MEASURED = datetime(2026, 11, 23, tzinfo=UTC)
"""Time of the first measurement of resources."""


class StoryFeed:
    """Stands in for a `Feed`; the group is as it was when it was last (or first) in the state `until`."""

    story: ClassVar[str] = "kill"
    until: ClassVar[GroupState] = GroupState.HEALTHY
    at_first: ClassVar[bool] = False
    engine_lost: ClassVar[str | None] = None

    def __init__(self, group: FTGroup, post: Callable[[Message], object]) -> None:
        self._post = post
        self._plan, occurrences = recording(self.story)
        statuses = list(timeline.statuses(self._plan, occurrences))
        reached = [at for at, (_, status) in enumerate(statuses) if status.state is self.until]
        now = reached[0 if self.at_first else -1]
        self._occurrences = occurrences[: now + 1]
        self._now, self._status = statuses[now]

    async def look(self) -> None:
        document = group_document(self._plan, "docker", self._status, [])
        self._post(GroupChanged(document, self._status, ()))

    async def follow_group(self) -> None:
        self._post(EventSeen(timeline.replay(self._plan, self._occurrences), replay=True))
        self._post(FailoversChanged(failovers.find(self._occurrences)))
        lines = await asyncio.to_thread(lines_of, self.story)
        self._post(LogLines([line for line in lines if line.line.time <= self._now], 0, replay=True))
        if self.engine_lost:
            self._post(EngineLost(self.engine_lost))

    async def follow_resources(self) -> None:
        for number, load in enumerate((0.01, 0.02, 0.16, 0.31, 0.08, 0.03, 0.02, 0.02)):
            self._post(ResourcesMeasured(_resources(self._status, load, number)))


def _resources(status: GroupStatus, load: float, number: int) -> dict[str, Resources]:
    running = [node for node in status.nodes if node.instance.running]
    counts = Counts(_MEASURED + timedelta(seconds=2 * number), 40 * number**2, 80 * number**2)
    return {
        node.name: Resources(
            load if node.serves else 0.0,
            18 << 20,
            3 * node.serves,
            len(running) - 1,
            counts if node.serves else None,
        )
        for node in running
        if not node.paused
    }


@cache
def lines_of(name: str) -> tuple[NodeLine, ...]:
    """Everything that the nodes of the story wrote."""
    home, plan = GroupHome(RECORDINGS / name), recording(name)[0]
    nodes = dict.fromkeys((node.name for node in plan.nodes), False)

    def saved(node: str) -> Iterable[RawLine]:
        return home.saved_log(node).lines()

    reading = read_all(FakeEngine(FakeMachine()), nodes, saved, since=None, tail=None)
    return tuple(asyncio.run(reading))


def story_app(theme: str = THEMES[0].name, *, read_only: bool = False) -> StanlocalApp:
    """Return the interface that shows the story, once `stanlocal.tui.screens.main.Feed` is a `StoryFeed`."""
    app = StanlocalApp(FTGroup(group="ft"), Notices(), read_only=read_only, chosen=Preferences(theme=theme))
    app.animation_level = "none"
    return app


async def all_there(pilot: Pilot[None]) -> None:
    """Return once the story is on the screen."""
    await until_shown(pilot, "7 Faults")
    await until_shown(pilot, " lines")
    await until_shown(pilot, "18 MiB" if pilot.app.size.width >= WIDE_FROM else "18M")
    await until_shown(pilot, "Search")
    await pilot.pause()
