"""The base of the logs and timeline panes: rows to search and save, and a status line above them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Input, Static

from stanlocal.tui.widgets.line_view import LineView
from stanlocal.tui.widgets.pane import Pane


class LinesPane(Pane):
    """A status line, a `LineView`, and below it the current row in full and prompts."""

    DEFAULT_CSS = """
    LinesPane {
        height: 1fr;
        #status { height: 1; padding: 0 2; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
        #detail { height: auto; max-height: 4; padding: 0 2; background: $panel; display: none; }
        Input { display: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "ask('search')", "Search", id="lines.search", tooltip="find lines with a text"),
        Binding("n", "to_match(1)", "Next match", id="lines.next", show=False),
        Binding("N", "to_match(-1)", "Previous match", id="lines.previous", show=False),
        Binding("ctrl+s", "ask('save')", "Save", id="lines.save", tooltip="save lines to a file", show=False),
        Binding("escape", "leave_prompt", "Back", id="lines.back", tooltip="back to the lines", show=False),
    ]
    KIND: ClassVar[str]
    """Kind of the rows, in names of files."""
    document: reactive[Mapping[str, Any] | None] = reactive(None, repaint=False)
    """The newest group document, which changes nothing that is drawn here."""

    def __init__(self, view: LineView[Any]) -> None:
        super().__init__()
        self._view = view
        self._searched = ""

    def compose(self) -> ComposeResult:
        yield Static(id="status")
        yield self._view
        yield Static(id="detail")
        yield Input(id="search", placeholder="search for, then enter; n next, N previous", compact=True)
        yield Input(id="save", placeholder="save the lines to this file", compact=True)

    def on_mount(self) -> None:
        self.refresh_status()

    def on_line_view_moved(self, _: LineView.Moved) -> None:
        self.refresh_status()

    # Status

    def refresh_status(self) -> None:
        """Update the status; call it after each change of the rows."""
        if not self.is_mounted:
            return
        self.query_one("#status", Static).update(Content(" · ".join(self.status())), layout=False)
        detail, row = self.query_one("#detail", Static), self._view.current
        detail.display = row is not None
        if row is not None:
            detail.update(Content(self._view.words(row)))

    def status(self) -> Iterable[str]:
        """Yield the parts of the status, the most important first."""
        view = self._view
        if view.following:
            yield "following"
        else:
            yield f"paused, {view.waiting:,} new" if view.waiting else "paused"
        if self._searched and not view.following:
            yield self._found()

    def _found(self) -> str:
        matches, cursor = self._view.found.matches, self._view.cursor
        if cursor in matches:
            return f"'{self._searched}' {matches.index(cursor) + 1} of {len(matches):,}"
        return f"'{self._searched}' found {len(matches):,} times" if matches else f"no '{self._searched}'"

    # Keys

    def action_ask(self, what: str) -> None:
        prompt = self.query_one(f"#{what}", Input)
        if what == "save":
            prompt.value = f"{self.group_name}-{self.KIND}-{datetime.now():%Y%m%d-%H%M%S}.log"
        prompt.display = True
        prompt.focus()

    def action_to_match(self, step: int) -> None:
        if self._searched:
            self._view.to_match(step)
        else:
            self.action_ask("search")

    def action_leave_prompt(self) -> None:
        for prompt in self.query(Input):
            prompt.display = False
        self._view.focus()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        message.stop()
        self.action_leave_prompt()
        if message.input.id == "search":
            self._searched = message.value
            self._view.search(message.value)
        elif message.value:
            self._save(Path(message.value).expanduser())

    # Saving

    def _save(self, path: Path) -> None:
        work = self._write(path, list(self._view.rows))
        self.run_worker(work, name="save", group=f"save-{self.KIND}", exclusive=True)

    async def _write(self, path: Path, rows: Sequence[Any]) -> None:
        def write() -> None:
            with path.open("x", encoding="utf-8") as file:
                file.writelines(f"{self._view.plain(row)}\n" for row in rows)

        try:
            await asyncio.to_thread(write)
        except OSError as error:
            line = f"not saved: {path}: {error.strerror}; choose another file"
            self.notify(line, severity="error", markup=False)
        else:
            self.notify(f"{len(rows):,} lines saved to {path.absolute()}", markup=False)
