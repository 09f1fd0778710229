"""The last action: what is shown of it, and what comes late of an older one."""

from __future__ import annotations

from datetime import UTC, datetime

from textual.app import App, ComposeResult
from textual.content import Content

from stanlocal.model.command_line import Command
from stanlocal.model.fault_record import FaultRecord
from stanlocal.tui.widgets.last_action import LastAction

SINCE = datetime(2026, 1, 2, tzinfo=UTC)
KILL, START = Command("stan", ("kill", "@active")), Command("stan", ("start", "stan-0"))
RECORD = FaultRecord(
    "f1", "kill", ("stan-0",), {}, SINCE, None, "failover", ends_run=True, observed="so", as_expected=True
)


class Shows(App[None]):
    def compose(self) -> ComposeResult:
        yield LastAction()

    @property
    def last(self) -> LastAction:
        return self.query_one(LastAction)

    @property
    def text(self) -> str:
        return str(self.last.content)


async def test_a_late_outcome_of_an_older_action_does_not_replace_that_of_a_newer_one() -> None:
    app = Shows()
    async with app.run_test():
        app.last.expect(KILL, "failover")
        assert "observing" in app.text
        app.last.begin(START)
        app.last.done(START)
        assert "start stan-0" in app.text
        app.last.observe(KILL, RECORD)
        app.last.done(KILL)
        assert not app.last.show(KILL, Content("late"))
        app.last.withdraw(KILL)
        assert app.last.display
        assert "start stan-0" in app.text
        assert "done" in app.text


async def test_the_outcome_of_the_last_action_is_shown_and_one_that_failed_is_withdrawn() -> None:
    app = Shows()
    async with app.run_test():
        app.last.expect(KILL, "failover")
        app.last.observe(KILL, RECORD)
        assert "observed" in app.text
        assert "as expected" in app.text
        app.last.begin(START)
        app.last.withdraw(START)
        assert not app.last.display


async def test_two_actions_with_equal_commands_are_two_actions() -> None:
    app = Shows()
    async with app.run_test():
        again = Command("stan", ("kill", "@active"))
        app.last.expect(KILL, "failover")
        app.last.expect(again, "failover")
        app.last.observe(KILL, RECORD)
        assert "observing" in app.text
