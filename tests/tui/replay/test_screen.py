"""A drill on the screen again: the same panes, a clock of its own, and nothing that can be changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from textual.pilot import Pilot
from textual.widgets import TabbedContent

from stanlocal.cli.app import app as cli
from stanlocal.cli.context import Context
from stanlocal.drill import judged
from stanlocal.errors import LedgerError
from stanlocal.tui import Notices, replay_drill
from stanlocal.tui.app import StanlocalApp
from stanlocal.tui.replay.screen import ReplayScreen
from tests.tui.conftest import WIDE, piloted, shown, until_shown
from tests.tui.replay.test_story import ledger


@asynccontextmanager
async def replayed(
    tmp_path: Path, size: tuple[int, int] = WIDE
) -> AsyncIterator[tuple[Pilot[Any], ReplayScreen]]:
    """The drill on the screen, its clock stopped at the first moment."""
    path = tmp_path / "a.ledger"
    path.write_bytes(ledger().written())
    screen = ReplayScreen(judged(path))
    screen._clock.go_or_stop()
    app = StanlocalApp(screen.group, Notices(), read_only=True, main=screen)
    async with piloted(app, size=size) as pilot:
        await until_shown(pilot, " Faults")
        yield pilot, screen


async def test_a_drill_is_shown_step_by_step_to_its_verdict(tmp_path: Path) -> None:
    async with replayed(tmp_path) as (pilot, screen):
        await until_shown(pilot, "g: healthy, g-0 is active")
        assert pilot.app.screen.query_one(TabbedContent).active == "timeline"
        assert "nothing is wrong" in shown(pilot), "no key kills anything here"
        await until_shown(pilot, "replay ‖ 0:00")

        async def step_until(text: str) -> None:
            while text not in shown(pilot) and (waited_for := screen._clock._next) is not None:
                await pilot.press("full_stop")
                while screen._clock._next == waited_for:  # noqa: ASYNC110 - the feed takes its turn
                    await asyncio.sleep(0)
                await pilot.pause()
            await until_shown(pilot, text)

        await step_until("step 1: kill @active")
        await step_until("g: failover")
        await step_until("g: degraded, g-1 is active")
        await pilot.press("7")
        await until_shown(pilot, "observed  so")
        await pilot.press("4")
        await until_shown(pilot, "g-0 → g-1")
        await pilot.press("g", "plus", "plus", "plus", "plus")
        await until_shown(pilot, "see 'stanlocal drill verify")
        await pilot.press("g", "b")
        await until_shown(pilot, "g: healthy, g-0 is active")


async def test_nothing_can_be_changed_and_what_a_ledger_has_not_is_said(tmp_path: Path) -> None:
    async with replayed(tmp_path) as (pilot, _):
        await pilot.press("k", "D", "u")
        assert len(pilot.app.screen_stack) == 1
        await pilot.press("1")
        await until_shown(pilot, "a drill's ledger has no log lines")
        await pilot.press("6")
        await until_shown(pilot, "a drill's ledger has neither a store nor a monitor")
        await pilot.press("2", "n")
        await until_shown(pilot, "read-only: nothing is published")


async def test_the_keys_of_the_clock_are_in_the_footer_and_in_the_help(tmp_path: Path) -> None:
    async with replayed(tmp_path, (120, 60)) as (pilot, _):
        await until_shown(pilot, "Stop/go")
        await pilot.press("question_mark")
        await until_shown(pilot, "the clock of the replay")
        assert "break a node" not in shown(pilot)
        await pilot.press("escape")


async def test_a_file_that_is_no_ledger_is_refused_before_the_screen_is_taken(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no ledger")
    with pytest.raises(LedgerError, match="is not a drill's ledger"):
        await replay_drill(tmp_path / "x")


def test_the_command_needs_a_terminal_for_a_replay_too(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["tui", "--replay", str(tmp_path / "x")], obj=Context())
    assert (done.exit_code, "needs a terminal" in done.output) == (2, True)
