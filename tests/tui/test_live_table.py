"""A table that updates its rows in place."""

from __future__ import annotations

from stanlocal.tui.widgets.live_table import LiveTable
from tests.tui.hosting import shown


async def test_new_rows_are_whole_from_the_first_frame_on() -> None:
    async with shown(lambda _: LiveTable("NAME", "SIZE", right=(1,))) as it:
        it.pane.show({"one": ("orders.of-a-long-name", "17.8 KiB"), "two": ("x", "1,017.6 KiB")})
        assert [column.content_width for column in it.pane.ordered_columns] == [21, 11]
        it.pane.show({})
        it.pane.show({"three": ("y", "1")})
        assert it.pane.row_count == 1
