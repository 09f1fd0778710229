"""What the user did last to nodes: what was predicted, and what was observed then."""

from __future__ import annotations

from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from stanlocal.history.journal import FaultRecord
from stanlocal.tui.actions import Command
from stanlocal.tui.fault_text import in_full

_SHOWN_S = 30.0
"""How long it stays once nothing more is to be observed."""


class Verdict(Static):
    """Above the footer; gone when nothing was done lately."""

    DEFAULT_CSS = """
    Verdict { height: auto; max-height: 10; padding: 0 1; background: $panel; display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._timer: Timer | None = None

    def expect(self, command: Command, expected: str) -> None:
        """It is being done."""
        self.show(command, Content.assemble(("expected  ", "$foreground 65%"), expected, "\nlooking on ..."))

    def tell(self, command: Command, record: FaultRecord) -> None:
        """It is done, and this came of it; one that is healed by itself stays until then."""
        self.show(command, in_full(record))
        if record.until is None or not record.in_force:
            self._hide_soon()

    def done(self, command: Command) -> None:
        """It is done, and nothing was predicted."""
        self.show(command, Content("done"))
        self._hide_soon()

    def show(self, command: Command, how: Content) -> None:
        """How it goes, or what came of it; stays until something else is done."""
        if self._timer is not None:
            self._timer.stop()
        self.update(Content.assemble((str(command), "bold"), ("  (y copies it)\n", "$foreground 65%"), how))
        self.display = True

    def hide(self) -> None:
        """Nothing is told any more."""
        self.display = False

    def _hide_soon(self) -> None:
        self._timer = self.set_timer(_SHOWN_S, self.hide)
