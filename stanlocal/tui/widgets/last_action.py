"""The user's last action on nodes: its prediction, and its observed outcome."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from stanlocal.model.command_line import Command
from stanlocal.model.fault_record import FaultRecord

_SHOWN_S = 30.0
"""Seconds that it stays once the outcome is final."""


class LastAction(Static):
    """The last action, above the footer; hidden after a while without another."""

    DEFAULT_CSS = """
    LastAction { height: auto; max-height: 10; padding: 0 1; background: $panel; display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._timer: Timer | None = None
        self._current: Command | None = None

    def begin(self, command: Command) -> None:
        """Make this the last action, the only one whose progress and outcome are shown from now on.

        Actions take different times: the outcome of an older one may come after that of a newer one.
        """
        self._current = command
        self.show(command, Content("doing it ..."))

    def expect(self, command: Command, expected: str) -> None:
        """Show the prediction of an action that is being done."""
        self.begin(command)
        self.show(command, Content.assemble(("expected  ", "$foreground 65%"), expected, "\nobserving ..."))

    def observe(self, command: Command, record: FaultRecord) -> None:
        """Show the outcome of the last action; a timed fault stays until it is healed."""
        if self.show(command, in_full(record)) and (record.until is None or not record.in_force):
            self._hide_soon()

    def done(self, command: Command) -> None:
        """Show that the last action, one without a prediction, is done."""
        if self.show(command, Content("done")):
            self._hide_soon()

    def show(self, command: Command, how: Content) -> bool:
        """Show the progress or outcome of the last action; return False where the command is an older one."""
        if command is not self._current:
            return False
        if self._timer is not None:
            self._timer.stop()
        self.update(Content.assemble((str(command), "bold"), ("  (y copies it)\n", "$foreground 65%"), how))
        self.display = True
        return True

    def withdraw(self, command: Command) -> None:
        """Hide an action that failed, unless a newer one is shown."""
        if command is self._current:
            self.hide()

    def hide(self) -> None:
        """Hide the outcome."""
        self.display = False

    def _hide_soon(self) -> None:
        self._timer = self.set_timer(_SHOWN_S, self.hide)


VERDICTS = {True: "as expected", False: "NOT as expected", None: "undecided"}


def in_full(record: FaultRecord) -> Content:
    """Return prediction and outcome, and the end of a timed fault."""
    style = "bold $text-error" if record.as_expected is False else "bold"
    return Content.assemble(
        ("expected  ", "$foreground 65%"),
        record.expected or "nothing was predicted",
        ("\nobserved  ", "$foreground 65%"),
        record.observed or "not decided yet",
        " - ",
        (VERDICTS[record.as_expected], style),
        *_end(record),
    )


def _end(record: FaultRecord) -> Iterator[str | tuple[str, str]]:
    if record.until is None:
        return
    yield "\nlasts     ", "$foreground 65%"
    if record.healed_at is None:
        yield f"it ends by itself at {_clock(record.until, record)}"
    elif record.ran_out:
        yield f"it is over: its time was up at {_clock(record.until, record)}"
    else:
        yield f"it is over: healed at {_clock(record.healed_at, record)}, before its time was up"


def _clock(time: datetime, record: FaultRecord) -> str:
    """Return the local time, with the date if it is not that of the fault."""
    local, day = time.astimezone(), record.since.astimezone().date()
    return f"{local:%H:%M:%S}" if local.date() == day else f"{local:%Y-%m-%d %H:%M:%S}"
