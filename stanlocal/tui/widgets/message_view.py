"""Messages as they come, newest last; only those in sight are drawn."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from rich.text import Text

from stanlocal.store.dump import printable
from stanlocal.tui.clients.reception import Received
from stanlocal.tui.widgets.line_view import LineView


class MessageView(LineView[Received]):
    """One message a line: sequence, when it was stored, how it came, its bytes as text."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.is_unacked: Callable[[int], bool] = lambda sequence: False
        """Which messages wait for an ack."""

    def plain(self, row: Received) -> str:
        return self.draw(row).plain

    def draw(self, row: Received) -> Text:
        unacked = self.is_unacked(row.sequence)
        text = Text(no_wrap=True)
        text.append(f"{row.sequence:>7} ", "bold")
        text.append(f"{row.stored.astimezone():%H:%M:%S.%f} "[:-4] + " ", "dim")
        if row.again:
            text.append(f"{row.again} ", "yellow")
        if unacked:
            text.append("unacked ", "magenta")
        return text.append(self.words(row))

    def words(self, row: Received) -> str:
        cut = row.size - len(row.data)
        return printable(row.data) + (f" … {row.size:,} bytes" if cut else "")

    def time(self, row: Received) -> datetime:
        return row.came
