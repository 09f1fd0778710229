"""The main screen of a replay: that of a live group, with keys for the clock instead of faults."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from stanlocal.drill.report.lanes import clock as as_time
from stanlocal.model.command_line import DEFAULT_GROUP, Command
from stanlocal.tui.drill_control import outcome_text
from stanlocal.tui.replay.clock import ReplayClock
from stanlocal.tui.replay.feed import Ended, ReplayedGroup, ReplayFeed, StepBegun, Ticked
from stanlocal.tui.replay.story import Story
from stanlocal.tui.screens.main import MainScreen
from stanlocal.tui.widgets.last_action import LastAction

if TYPE_CHECKING:
    from stanlocal.drill import Outcome


class ReplayScreen(MainScreen):
    """A drill from its ledger, on a clock of its own; nothing can be changed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "go_or_stop", "Stop/go", id="replay.go", tooltip="stop the clock, or let it go on"),
        Binding("full_stop", "step", "Step", id="replay.step", tooltip="stop at what happens next"),
        Binding("plus,equals_sign", "speed(1)", "Faster", id="replay.faster", tooltip="speed the clock up"),
        Binding("minus", "speed(-1)", "Slower", id="replay.slower", tooltip="slow the clock down"),
        Binding("b", "begin_again", "Again", id="replay.again", tooltip="show the drill from its beginning"),
    ]
    FIRST_PANE = 5  # the timeline: a ledger has no log lines

    def __init__(self, outcome: Outcome, keys: Mapping[str, str] = MappingProxyType({})) -> None:
        """Raises `LedgerError` for a ledger that ends before the drill saw its group."""
        self._outcome = outcome
        self._story = Story(outcome.verdict.findings)
        self._clock = ReplayClock(self._story.length)
        self._command = Command(DEFAULT_GROUP, ("drill", "verify", str(outcome.ledger)))
        super().__init__(ReplayedGroup(self._story, self._clock), read_only=True, keys=keys)

    def make_feed(self) -> ReplayFeed:
        return ReplayFeed(self._story, self._clock, self.post_message)

    def key_state(self, state: str) -> str:
        return "replay"

    def on_ticked(self, message: Message) -> None:
        """Show the position, the length and the speed of the clock."""
        clock = self._clock
        sign = "▶" if clock.running else "‖"
        where = f"{as_time(round(clock.position, 1))} of {as_time(round(clock.length, 1))}"
        self.show_hint(f"replay {sign} {where} x{clock.speed:g}")

    def on_step_begun(self, message: StepBegun) -> None:
        """Show the step of the drill, as a running drill shows it."""
        last = self.query_one(LastAction)
        last.begin(self._command)
        last.show(self._command, Content(message.doing))

    def on_ended(self, _: Ended) -> None:
        """Show the verdict, as at the end of a drill."""
        last = self.query_one(LastAction)
        last.begin(self._command)
        last.show(self._command, outcome_text(self._outcome))

    def action_go_or_stop(self) -> None:
        self._clock.go_or_stop()
        self.post_message(Ticked())

    def action_step(self) -> None:
        self._clock.step()
        self.post_message(Ticked())

    def action_speed(self, by: int) -> None:
        self._clock.change_speed(by)
        self.post_message(Ticked())

    def action_begin_again(self) -> None:
        self.follow()
