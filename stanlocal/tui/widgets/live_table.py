"""A table that updates its rows in place and keeps its cursor."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from itertools import zip_longest
from typing import TypeAlias

from rich.text import Text
from textual.widgets import DataTable

from stanlocal.util.printable import printable

Cells: TypeAlias = Sequence[str | Text]


class LiveTable(DataTable[Text]):
    """A table of rows with keys; existing rows are updated cell by cell.

    Strings are plain text without markup, as many of them come from clients.
    """

    DEFAULT_CSS = """
    LiveTable { height: 1fr; background: $background; scrollbar-size-horizontal: 0; }
    """

    def __init__(
        self, *heads: str, right: Container[int] = (), widest: int | None = None, id: str | None = None
    ) -> None:
        """`right`: numbers of the columns with figures; `widest`: limit of a text, in cells."""
        super().__init__(id=id, cursor_type="row")
        self._widest = widest
        self._heads = heads
        self._right = right
        self._shown: dict[str, tuple[Text, ...]] = {}

    def on_mount(self) -> None:
        for number, head in enumerate(self._heads):
            self.add_column(self._text(number, head), key=head)

    @property
    def current(self) -> str | None:
        """Key of the row under the cursor."""
        keys = [*self._shown]
        return keys[self.cursor_row] if self.cursor_row < len(keys) else None

    def show(self, rows: Mapping[str, Cells], *, narrows: bool = False) -> None:
        """Show these rows, by their keys, in order; with `narrows` columns also become less wide."""
        wanted = {key: tuple(map(self._text, range(len(cells)), cells)) for key, cells in rows.items()}
        if [*wanted] == [*self._shown]:
            self._update(wanted, narrows=narrows)
        else:
            self._fill(wanted)
        self._shown = wanted

    def _update(self, wanted: Mapping[str, tuple[Text, ...]], *, narrows: bool) -> None:
        for key, cells in wanted.items():
            for head, cell, before in zip_longest(self._heads, cells, self._shown[key]):
                if cell != before or cell.spans != before.spans:
                    changed = len(cell) != len(before) if narrows else len(cell) > len(before)
                    self.update_cell(key, head, cell, update_width=changed)

    def _fill(self, wanted: Mapping[str, tuple[Text, ...]]) -> None:
        current, top = self.current, self.scroll_offset.y
        at = self.cursor_row
        self.clear()
        # DataTable measures new rows only when it is idle: until then a busy screen would cut them off.
        for number, column in enumerate(self.ordered_columns):
            widths = (cells[number].cell_len for cells in wanted.values())
            column.content_width = max(column.content_width, *widths, 0)
        for key, cells in wanted.items():
            self.add_row(*cells, key=key)
        keys = [*wanted]
        if keys:
            row = keys.index(current) if current is not None and current in wanted else min(at, len(keys) - 1)
            self.move_cursor(row=row, scroll=False)
            self.scroll_to(y=top, animate=False)

    def _text(self, number: int, cell: str | Text) -> Text:
        text = cell.copy() if isinstance(cell, Text) else Text(printable(cell))
        text.justify = "right" if number in self._right else "left"
        text.no_wrap = True
        if self._widest is not None:
            text.truncate(self._widest, overflow="ellipsis")
        return text
