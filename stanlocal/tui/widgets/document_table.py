"""Documents of what is inside as a table: filtered, sorted, and no longer than one can read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from stanlocal.monitor.shape import Document
from stanlocal.tui.data.rows import COLUMNS, MOST, View, chosen
from stanlocal.tui.widgets.live_table import LiveTable

_WIDEST = 28
"""Cells of a name; more would push the figures off the screen."""


class DocumentTable(LiveTable):
    """Of one view."""

    def __init__(self, view: View) -> None:
        self._columns = COLUMNS[view]
        super().__init__(*self._columns.heads, right=self._columns.figures, widest=_WIDEST, id=view)
        self.view = view
        self.sorted_by = self._columns.sorts[0]

    def next_sort(self) -> None:
        """Sorts by the next field that there is."""
        sorts = self._columns.sorts
        self.sorted_by = sorts[(sorts.index(self.sorted_by) + 1) % len(sorts)]

    def fill(
        self, documents: Iterable[Document], row: Callable[[Document], tuple[str, ...]], pattern: str
    ) -> str:
        """Shows those whose name matches; says how many there are, and how they are sorted."""
        found = chosen(self.view, documents, pattern, self.sorted_by)
        alike: Counter[str] = Counter()
        shown = {}
        for document in found[:MOST]:
            name = str(document[self._columns.name])
            shown[f"{alike[name]} {name}"] = row(document)
            alike[name] += 1
        self.show(shown)
        count = f"{len(found):,}" if len(found) <= MOST else f"{MOST} of {len(found):,}"
        matching = f" with '{pattern}'" if pattern else ""
        kind = "channels" if self.view == "store" else self.view
        return f"{kind}: {count}{matching}, by {self.sorted_by}"

    @property
    def current_name(self) -> str | None:
        """The name in the row under the cursor."""
        return self.current.partition(" ")[2] if self.current is not None else None
