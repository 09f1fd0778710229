"""A list of messages, the newest last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar

from stanlocal.tui.clients.reception import Received
from stanlocal.tui.widgets.line_view import LineView
from stanlocal.tui.widgets.row_text import clock
from stanlocal.util.printable import printable_bytes


class MessageView(LineView[Received]):
    """Messages, one a line: sequence, time of storage, marks of redelivery and ack, data as text."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "message--sequence",
        "message--time",
        "message--again",
        "message--unacked",
    }
    DEFAULT_CSS = """
    MessageView {
        .message--sequence { text-style: bold; }
        .message--time { text-style: dim; }
        .message--again { color: $text-warning; }
        .message--unacked { color: $text-accent; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.is_unacked: Callable[[int], bool] = lambda sequence: False
        """Whether the message with a sequence waits for an ack."""

    def parts(self, row: Received) -> Sequence[tuple[str, str]]:
        return (
            (f"{row.sequence:>7} ", "message--sequence"),
            (f"{clock(row.stored)} ", "message--time"),
            (f"{row.again} " if row.again else "", "message--again"),
            ("unacked " if self.is_unacked(row.sequence) else "", "message--unacked"),
            (self.words(row), ""),
        )

    def words(self, row: Received) -> str:
        cut = row.size - len(row.data)
        return printable_bytes(row.data) + (f" … {row.size:,} bytes" if cut else "")

    def time(self, row: Received) -> datetime:
        return row.came
