"""A growing list of rows: followed at its end, or paused and read like a page."""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Generic, TypeVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollTo, ScrollUp
from textual.selection import Selection
from textual.strip import Strip

from stanlocal.tui.widgets.line_search import LineSearch

Row = TypeVar("Row")

_GUTTER = 2


class LineView(ScrollView, Generic[Row], can_focus=True):
    """A list that draws only the visible rows, so that neither their number nor their rate matters much.

    While it follows, the newest row is at the bottom. Moving pauses it: it keeps its rows, so that nothing
    moves while the user reads, and has a cursor.
    """

    ALLOW_SELECT = True
    COMPONENT_CLASSES: ClassVar[set[str]] = {"line-view--cursor", "line-view--picked", "line-view--match"}
    DEFAULT_CSS = """
    LineView {
        height: 1fr;
        scrollbar-size-horizontal: 0;
        overflow-y: scroll;
        .line-view--cursor { background: $block-cursor-blurred-background; text-style: bold; }
        .line-view--picked { background: $secondary-muted; }
        .line-view--match { background: $warning; color: $background; text-style: bold; }
        &:focus .line-view--cursor { background: $primary-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "space",
            "follow_or_pause",
            "Pause/follow",
            id="lines.follow",
            tooltip="pause, or follow again",
        ),
        Binding("up", "move(-1)", "Up", id="lines.up", tooltip="pause, and go to the line above", show=False),
        Binding("down", "move(1)", "Down", id="lines.down", tooltip="go to the line below", show=False),
        Binding(
            "shift+up", "move(-1, True)", "Pick up", id="lines.pick_up", tooltip="pick lines", show=False
        ),
        Binding(
            "shift+down", "move(1, True)", "Pick down", id="lines.pick_down", tooltip="the same", show=False
        ),
        Binding("pageup", "page(-1)", "Page up", id="lines.page_up", show=False),
        Binding("pagedown", "page(1)", "Page down", id="lines.page_down", show=False),
        Binding("home", "oldest", "Oldest", id="lines.oldest", show=False),
        Binding("end", "follow", "Newest", id="lines.newest", tooltip="follow again", show=False),
        Binding("left", "sideways(-8)", "Left", id="lines.left", show=False),
        Binding(
            "right", "sideways(8)", "Right", id="lines.right", tooltip="see more of long lines", show=False
        ),
        Binding(
            "ctrl+c,super+c", "copy", "Copy", id="lines.copy", tooltip="copy the lines picked", show=False
        ),
    ]

    class Moved(Message):
        """The cursor or the visible part has moved."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.following = True
        self.waiting = 0
        """Number of rows that came since it was paused."""
        self.cursor = 0
        """Number of the current row while it is paused."""
        self._newest: Sequence[Row] = ()
        self._rows: Sequence[Row] = ()
        self._anchor: int | None = None
        self.found = LineSearch()
        self._base = Style()
        self._components: dict[str, Style] = {}
        """Styles that were needed so far to draw the visible rows."""

    # Content of rows

    @abstractmethod
    def parts(self, row: Row) -> Sequence[tuple[str, str]]:
        """Return the row's pieces on one line, each with its component class or nothing."""

    def plain(self, row: Row) -> str:
        """Return the row as it is shown, copied and saved; callable from any thread."""
        return "".join(text for text, _ in self.parts(row))

    @abstractmethod
    def words(self, row: Row) -> str:
        """Return the row's searched text, which is shown in full for the current row."""

    @abstractmethod
    def time(self, row: Row) -> datetime:
        """Return the time by which rows are sorted."""

    # Rows

    @property
    def rows(self) -> Sequence[Row]:
        """Rows that scrolling can reach."""
        return self._rows

    @property
    def current(self) -> Row | None:
        """Row under the cursor; None while it follows."""
        return self._rows[self.cursor] if not self.following and self._rows else None

    @property
    def allow_select(self) -> bool:
        return True

    def show(self, rows: Sequence[Row], new: int) -> None:
        """Show `rows`, of which `new` were added; while paused they wait.

        The sequence may change later if `show` is called after each change.
        """
        self._newest = rows
        if self.following:
            self._show_end()
        else:
            self.waiting += new

    def replace(self, rows: Sequence[Row]) -> None:
        """Show another choice of rows, at the same time as before."""
        current = self.current
        self._newest = rows
        if current is None:
            self._show_end()
            return
        self._keep()
        self._go_to(bisect_left(self._rows, self.time(current), key=self.time))

    def _show_end(self) -> None:
        self._show_rows(self._newest)
        self.scroll_to(y=self.max_scroll_y, animate=False)
        self.refresh()

    def _show_rows(self, rows: Sequence[Row]) -> None:
        """Show these rows. Assigning `virtual_size` would lay out the whole screen, also for hidden rows."""
        self._rows = rows
        self.set_reactive(LineView.virtual_size, Size(self.virtual_size.width, len(rows)))
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.window_virtual_size = len(rows)

    def _keep(self) -> None:
        self._show_rows(list(self._newest))
        self.waiting = 0
        self._anchor = None
        self.found.find(map(self.words, self._rows))
        self.refresh()

    # Following and moving

    def pause(self) -> None:
        """Keep the present rows, and go to the last one."""
        if self.following:
            self.following = False
            self._keep()
            self._go_to(len(self._rows) - 1)

    def action_follow(self) -> None:
        """Follow the newest row again."""
        self.following = True
        self.waiting = 0
        self._anchor = None
        self.scroll_to(x=0, animate=False)
        self._show_end()
        self.post_message(self.Moved())

    def action_follow_or_pause(self) -> None:
        if self.following:
            self.pause()
        else:
            self.action_follow()

    def action_move(self, by: int, pick: bool = False) -> None:
        """Move the cursor; with `pick` pick the rows on its way for copying."""
        start = len(self._rows) - 1 if self.following else self.cursor
        if self.following and by > 0:
            return
        self.pause()
        self._anchor = (start if self._anchor is None else self._anchor) if pick else None
        self._go_to(start + by)

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(1, self.size.height - 1))

    def action_oldest(self) -> None:
        self.action_move(-len(self._newest))

    def action_sideways(self, by: int) -> None:
        """Move the view by `by` columns, as far as the visible rows reach."""
        self.pause()
        top, width = self.scroll_offset.y, self.size.width
        visible = self._rows[top : top + self.size.height]
        furthest = max((cell_len(self.plain(row)) + _GUTTER - width for row in visible), default=0)
        left = max(0, min(self.scroll_offset.x + by, furthest))
        self.virtual_size = Size(width + left, len(self._rows))
        self.scroll_to(x=left, animate=False)

    def _go_to(self, number: int) -> None:
        self.cursor = max(0, min(number, len(self._rows) - 1))
        self._reveal()
        self.refresh()
        self.post_message(self.Moved())

    def _reveal(self) -> None:
        top, height = self.scroll_offset.y, self.size.height
        if not top <= self.cursor < top + height:
            above = self.cursor if self.cursor < top else self.cursor - height + 1
            self.scroll_to(y=above, animate=False)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.pause()

    def on_scroll_up(self, message: ScrollUp) -> None:
        self.pause()

    def on_scroll_to(self, message: ScrollTo) -> None:
        self.pause()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self.pause()
        self._anchor = None
        self._go_to(self.scroll_offset.y + event.y)

    def on_resize(self) -> None:
        if self.following:
            self._show_end()
        else:
            self._reveal()

    # Searching

    def search(self, needle: str) -> None:
        """Mark the rows that contain `needle`, whatever its case; go to the newest one up to the cursor."""
        self.found.needle = needle
        if needle:
            self.pause()
        self.found.find(map(self.words, self._rows))
        self._go_to(self.found.newest(self.cursor))

    def to_match(self, step: int) -> None:
        """Go to the next (1) or the previous (-1) match; the first follows the last."""
        self.pause()
        if self.found.matches:
            self._go_to(self.found.after(self.cursor, step))

    # Copying

    @property
    def picked(self) -> range:
        """Numbers of the picked rows, or of the current one; empty while it follows."""
        if self.following or not self._rows:
            return range(0)
        ends = (self.cursor, self.cursor if self._anchor is None else self._anchor)
        return range(min(ends), max(ends) + 1)

    def action_copy(self) -> None:
        """Copy the picked rows; the screen itself copies text selected with the mouse."""
        if self.screen.get_selected_text() is not None or not self.picked:
            raise SkipAction
        self.app.copy_to_clipboard("\n".join(self.plain(self._rows[number]) for number in self.picked))
        count = len(self.picked)
        self.notify("1 line copied" if count == 1 else f"{count} lines copied")

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the text selected with the mouse."""
        start, end = selection
        first = start.y if start else 0
        rows = self._rows[first : end.y + 1 if end else None]
        here = Selection(start and start - (0, first), end and end - (0, first))
        return here.extract("\n".join(self.plain(row) for row in rows)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    # Drawing

    def render_lines(self, crop: Region) -> list[Strip]:
        self._base = self.rich_style  # finding styles costs more than the rest of a line
        self._components.clear()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        number = self.scroll_offset.y + y
        if number >= len(self._rows):
            return Strip.blank(self.size.width, self._base)
        style, gutter = self._base, "  "
        if number in self.picked:
            gutter = "> " if number == self.cursor else "| "
            part = "line-view--cursor" if number == self.cursor else "line-view--picked"
            style += self._component(part)
        left = self.scroll_offset.x
        line = self._line(number, style).crop_extend(left, left + self.size.width - _GUTTER, style)
        return Strip([Segment(gutter, style), *line.apply_offsets(left, number)])

    def _line(self, number: int, style: Style) -> Strip:
        parts = [
            (text, style + self._component(part) if part else style)
            for text, part in self.parts(self._rows[number])
        ]
        if self.found.needle or self.text_selection is not None:
            return Strip(self._marked(number, Text.assemble(*parts, end="")).render(self.app.console))
        return Strip(Segment(*part) for part in parts)

    def _component(self, name: str) -> Style:
        if (style := self._components.get(name)) is None:
            style = self._components[name] = self.get_component_rich_style(name, partial=True)
        return style

    def _marked(self, number: int, text: Text) -> Text:
        """Mark the matches, and the text selected with the mouse."""
        for start, end in self.found.spans(text.plain):
            text.stylize(self._component("line-view--match"), start, end)
        if (selection := self.text_selection) is not None and (span := selection.get_span(number)):
            first, last = span
            style = self.screen.get_component_rich_style("screen--selection")
            text.stylize(style, first, len(text) if last == -1 else last)
        return text
