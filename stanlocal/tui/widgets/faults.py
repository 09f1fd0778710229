"""The faults pane: each fault with its prediction and its observed outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.widgets import DataTable, Static

from stanlocal.api import FTGroup
from stanlocal.errors import StanlocalError
from stanlocal.model.fault_record import FaultRecord
from stanlocal.tui.widgets.last_action import VERDICTS, in_full
from stanlocal.tui.widgets.pane import Pane


class FaultsPane(Pane):
    """A table of faults, the newest first, with the highlighted one in full below."""

    DEFAULT_CSS = """
    FaultsPane DataTable { height: 1fr; }
    FaultsPane #account { height: auto; max-height: 50%; padding: 0 1; border-top: solid $panel; }
    """
    COLUMNS: ClassVar = ("since", "fault", "on", "now", "verdict")

    def __init__(self, group: FTGroup, *, read_only: bool = False) -> None:
        super().__init__()
        self._group = group
        self.read_only = read_only
        self._records: Sequence[FaultRecord] = ()

    def compose(self) -> ComposeResult:
        table: DataTable[str] = DataTable(cursor_type="row", zebra_stripes=True)
        table.add_columns(*self.COLUMNS)
        yield table
        yield Static(self._hint(), id="account", markup=False)

    def _hint(self) -> str:
        return "no faults yet" if self.read_only else "no faults yet: kill, pause or cut off a node"

    def on_show(self) -> None:
        self._read()

    def watch_document(self) -> None:
        if self.is_mounted and self.is_on_screen:
            self._read()

    @work(name="faults", group="faults", exclusive=True)
    async def _read(self) -> None:
        try:
            self._records = list(reversed(await self._group.faults()))
        except StanlocalError as error:
            self.query_one("#account", Static).update(str(error))
            return
        table = self.query_one(DataTable)
        at = table.cursor_row
        table.clear()
        for record in self._records:
            table.add_row(*_row(record))
        if self._records:
            table.move_cursor(row=min(at, len(self._records) - 1))
            self._account()

    def on_data_table_row_highlighted(self) -> None:
        self._account()

    def _account(self) -> None:
        at = self.query_one(DataTable).cursor_row
        if at < len(self._records):
            self.query_one("#account", Static).update(in_full(self._records[at]))


def _row(record: FaultRecord) -> tuple[str, ...]:
    return (
        f"{record.since.astimezone():%H:%M:%S}",
        record.name,
        " ".join(record.targets),
        "in force" if record.in_force else "over",
        VERDICTS[record.as_expected],
    )
