"""The tour from end to end, on real servers of each engine."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from stanlocal.api import group_over
from stanlocal.lifecycle.opener import GroupOpener, this_process
from stanlocal.model.states import GroupState
from stanlocal.tui.screens.question import QuestionScreen
from stanlocal.tui.tour import progress_file
from stanlocal.tui.tour.guide import Progress
from stanlocal.tui.tour.lessons import LESSONS
from tests.integration.group.conftest import left, own_ports
from tests.support.census import NOTHING, Left
from tests.tui import conftest
from tests.tui.tour import reading
from tests.tui.tour.reading import pane, take

__all__ = ["left", "own_ports"]

until = partial(conftest.until, timeout=120.0)
until_said = partial(reading.until_said, timeout=120.0)
"""Wait long enough for a failover, and for two actives to meet, on a busy machine."""

READY = "Streaming Server is ready"
TAKEN = "Server is active"


@pytest.mark.timeout(600)
async def test_the_tour_can_be_taken_from_the_first_lesson_to_the_last(
    on_engine: str,
    own_ports: int,
    group_name: str,
    left: Left,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Everything that a lesson asks for is pressed; each explains it with the servers' own lines."""
    monkeypatch.setattr(progress_file, "state_home", lambda: tmp_path)
    opener = GroupOpener({"group": group_name, "nodes": 2}, bound_to=this_process)
    group = group_over(opener)

    async def reads(pilot: Pilot[Any]) -> None:
        await until_said(pilot, " is active: it has the lock")
        first = await group.wait_active()
        (second,) = {f"{group_name}-0", f"{group_name}-1"} - {first}
        await until_said(pilot, f"{first} is active", f"{first}: {READY}")
        await pilot.press("j")
        await until_said(pilot, "would kill the standby now")
        await pilot.press("a")
        await next_lesson(pilot, "kill the active node")

        await confirm(pilot, "k", "k")
        await until_said(pilot, f"{first}'s process ended", f"{second}: {TAKEN}", f"{second}: {READY}")
        await heal(pilot, f"{first} is back, as a standby", f"{first}: Starting in standby mode")
        await next_lesson(pilot, "pause it, and everybody waits")

        await confirm(pilot, "p", "Y")
        await until_said(pilot, "Blocked", f"{first}: ft: unable to get store lock at this time")
        await confirm(pilot, "k", "k")
        await until_said(pilot, "Only the end of its process frees the lock", f"{first}: {READY}")
        await heal(pilot, f"Healthy again, with {first} active")
        await next_lesson(pilot, "cut its routes: nothing happens")

        await confirm(pilot, "c", "c")
        await until_said(pilot, "No failover", f"{second}: ft: unable to get store lock at this time")
        await heal(pilot, f"{first} was active all the time")
        await next_lesson(pilot, "two actives")

        await choose_expire_lock(pilot)
        await until_said(pilot, f"{group_name}-0 and {group_name}-1 are both active", f"{second}: {READY}")
        await heal(pilot, "The one that became active later ended itself", "claims to be active, aborting")
        await next_lesson(pilot, "a publisher through a failover")

        await until(pilot, lambda: len(re.findall(r"retry +[1-9]\d* stored, 0 failed", said(pilot))) == 2)
        await group.kill("@active")  # in another way than by the key
        await until_said(pilot, "With retry: 0.", READY)
        assert re.search(r"without retry [1-9]\d* stored, [1-9]\d* failed", said(pilot))
        await heal(pilot, "In your own program")
        await next_lesson(pilot, "read the timeline")

        await pilot.press("5")
        await until_said(pilot, "ended (kill)", TAKEN, READY)
        await pilot.press("4")
        await until_said(pilot, "Most of it is LOCK")
        await pilot.press("7")
        await until_said(pilot, "Done. g: the end of the tour.")
        await pilot.press("g")
        await until_said(pilot, "That was the tour.")
        await pilot.press("b")
        await until_said(pilot, "Press 5")
        assert (await group.look()).status.state is GroupState.HEALTHY
        await pilot.press("q")

    await take(group, reads, monkeypatch, lesson=1)
    numbers = range(1, len(LESSONS) + 1)
    assert progress_file.load() == Progress(len(LESSONS), frozenset(numbers))
    assert left.census() == NOTHING


def said(pilot: Pilot[Any]) -> str:
    """What the lesson says."""
    return pane(pilot).text.plain


async def next_lesson(pilot: Pilot[Any], title: str) -> None:
    """Go on, once the lesson is done."""
    await until_said(pilot, f"Done. g: {title}")
    await pilot.press("g")
    await until(pilot, lambda: title in str(pane(pilot).border_title))
    await until(pilot, lambda: "Wait until the group is healthy" not in said(pilot))


async def confirm(pilot: Pilot[Any], key: str, yes: str) -> None:
    """Press a key, and the one that confirms it."""
    await pilot.press(key)
    await answer(pilot, yes)


async def answer(pilot: Pilot[Any], yes: str) -> None:
    """Confirm the question, as soon as it is there."""
    await until(pilot, lambda: isinstance(pilot.app.screen, QuestionScreen))
    await pilot.press(yes)
    await until(pilot, lambda: len(pilot.app.screen_stack) == 1)


async def choose_expire_lock(pilot: Pilot[Any]) -> None:
    """Choose the fault from the list, as the lesson says."""
    await pilot.press("f")
    await until(pilot, lambda: bool(pilot.app.screen.query(OptionList)))
    choices = pilot.app.screen.query_one(OptionList)
    while choices.highlighted_option is None or choices.highlighted_option.id != "expire-lock":
        await pilot.press("down")
    await pilot.press("enter")
    await until(
        pilot, lambda: not pilot.app.screen.query(OptionList) and pilot.app.screen.focused is not None
    )
    await pilot.press("enter")
    await answer(pilot, "Y")


async def heal(pilot: Pilot[Any], *texts: str) -> None:
    """Heal the group, and read on."""
    await pilot.press("h")
    await until_said(pilot, *texts)
