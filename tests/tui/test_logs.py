"""The pane of logs, in an application of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Input, Static
from textual.widgets._toast import Toast

from stanlocal.logs.merge import NodeLine
from stanlocal.tui.log_buffer import LogBuffer
from stanlocal.tui.widgets.logs import LogsPane, LogView
from tests.tui.lines import node_line, numbered

DOCUMENT = {"group": "stan", "nodes": [{"name": "stan-0"}, {"name": "stan-1"}]}


class Logs(App[None]):
    """The pane alone."""

    def __init__(self, most_lines: int = 20_000) -> None:
        super().__init__()
        self.pane = LogsPane(LogBuffer(most_lines=most_lines))

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        self.pane.document = DOCUMENT
        self.pane.query_one(LogView).focus()

    @property
    def view(self) -> LogView:
        return self.pane.query_one(LogView)

    @property
    def status(self) -> str:
        return str(self.pane.query_one("#status", Static).content)

    def seen(self) -> list[str]:
        """The messages in sight, from top to bottom, with the mark of the cursor."""
        lines = [self.view.render_line(y).text.rstrip() for y in range(self.view.size.height)]
        return [line[:2].strip() + line.partition("INF ")[2] for line in lines if line]


async def add(pilot: Pilot[None], lines: Sequence[NodeLine], passed_over: int = 0) -> None:
    pilot.app.query_one(LogsPane).add(lines, passed_over)
    await pilot.pause()


async def test_the_newest_line_is_at_the_bottom() -> None:
    app = Logs()
    async with app.run_test(size=(80, 10)) as pilot:
        await add(pilot, numbered(30))
        assert app.seen()[-1] == "line 29"
        await add(pilot, numbered(5, first=30))
        assert app.seen()[-1] == "line 34"
        assert app.status == "following · all nodes · all levels · 35 lines"


async def test_nothing_moves_while_paused_though_lines_come_and_go() -> None:
    app = Logs(most_lines=20)
    async with app.run_test(size=(80, 10)) as pilot:
        await add(pilot, numbered(20))
        await pilot.press("space")
        before = app.seen()
        await add(pilot, numbered(100, first=20))
        assert app.seen() == before
        assert app.status.startswith("paused, 100 new")
        await pilot.press("space")
        assert app.seen()[-1] == "line 119"


@pytest.mark.parametrize("key", ["up", "pageup", "home", "shift+up"])
async def test_looking_back_pauses_and_end_goes_on(key: str) -> None:
    app = Logs()
    async with app.run_test(size=(80, 10)) as pilot:
        await add(pilot, numbered(30))
        await pilot.press(key)
        assert not app.view.following
        assert len([line for line in app.seen() if line.startswith(">")]) == 1
        await pilot.press("end")
        await add(pilot, numbered(1, first=30))
        assert app.seen()[-1] == "line 30"


async def test_the_wheel_pauses() -> None:
    app = Logs()
    async with app.run_test(size=(80, 10)) as pilot:
        await add(pilot, numbered(30))
        await pilot._post_mouse_events([events.MouseScrollUp], LogView)
        assert not app.view.following


async def test_a_search_finds_the_newest_match_then_the_others_round_and_round() -> None:
    app = Logs()
    async with app.run_test(size=(80, 10)) as pilot:
        await add(pilot, [*numbered(30), node_line("stan-1", "LINE 7", at=5)])
        await pilot.press("slash", *"line 7", "enter")
        assert ">LINE 7" in app.seen()
        assert "'line 7' 2 of 2" in app.status
        await pilot.press("N")
        assert ">line 7" in app.seen()
        await pilot.press("N")
        assert ">LINE 7" in app.seen()
        await pilot.press("n")
        assert ">line 7" in app.seen()


async def test_search_without_a_match_says_so() -> None:
    app = Logs()
    async with app.run_test(size=(80, 10)) as pilot:
        await add(pilot, numbered(3))
        await pilot.press("slash", *"nowhere", "enter", "n")
        assert "no 'nowhere'" in app.status


async def test_a_node_alone_then_the_other_then_all() -> None:
    app = Logs()
    async with app.run_test(size=(80, 10)) as pilot:
        await add(pilot, [node_line("stan-0", "zero"), node_line("stan-1", "one", at=1)])
        shown = []
        for _ in range(3):
            await pilot.press("o")
            shown.append(app.seen())
        assert shown == [["zero"], ["one"], ["zero", "one"]]


async def test_a_level_leaves_out_what_is_less_bad() -> None:
    app = Logs()
    async with app.run_test(size=(80, 10)) as pilot:
        levels = ("DBG", "INF", "WRN", "ERR")
        lines = [node_line("stan-0", level, at=at, level=level) for at, level in enumerate(levels)]
        await add(pilot, [*lines, node_line("stan-0", "Server is active", at=5)])
        counts = []
        for _ in range(5):
            await pilot.press("l")
            counts.append((len(app.view.rows), app.status.split(" · ")[2]))
        assert counts == [
            (4, "no debug"),
            (2, "warnings and worse"),
            (1, "errors"),
            (1, "milestones"),
            (5, "all levels"),
        ]


async def test_a_filter_keeps_the_moment_that_is_looked_at() -> None:
    app = Logs()
    async with app.run_test(size=(80, 10)) as pilot:
        await add(pilot, [node_line(f"stan-{n % 2}", f"line {n}", at=n) for n in range(100)])
        await pilot.press("pageup", "pageup", "pageup", "o")
        assert app.view.current is not None
        assert app.view.current.line.message == "line 78"


async def test_picked_lines_are_copied() -> None:
    app = Logs()
    async with app.run_test(size=(80, 10)) as pilot:
        await add(pilot, numbered(9))
        await pilot.press("up", "up", "shift+up", "shift+up", "ctrl+c")
        assert [line[-6:] for line in app.clipboard.splitlines()] == ["line 4", "line 5", "line 6"]


async def test_text_selected_with_the_mouse_is_copied() -> None:
    app = Logs()
    async with app.run_test(size=(80, 10)) as pilot:
        await add(pilot, numbered(30))
        top = app.view.rows[-9:][0]
        start = 2 + app.view.plain(top).index("line")
        await pilot.mouse_down(LogView, offset=(start, 0))
        await pilot.hover(LogView, offset=(start + 6, 1))
        await pilot.mouse_up(LogView, offset=(start + 6, 1))
        await pilot.press("ctrl+c")
        first, second = app.clipboard.splitlines()
        assert (first, second[-7:]) == (top.line.message, "line 22")


async def test_shown_lines_are_saved_to_a_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = Logs()
    async with app.run_test(size=(80, 10)) as pilot:
        await add(pilot, numbered(3))
        await pilot.press("ctrl+s")
        assert app.pane.query_one("#save", Input).value.startswith("stan-logs-")
        await pilot.press("ctrl+u", *"my.log", "enter")
        await app.workers.wait_for_complete()
        saved = (tmp_path / "my.log").read_text()
        assert [line[-6:] for line in saved.splitlines()] == ["line 0", "line 1", "line 2"]
        await add(pilot, numbered(3, first=3))
        await pilot.press("ctrl+s", "ctrl+u", *"my.log", "enter")
        await app.workers.wait_for_complete()
        assert (tmp_path / "my.log").read_text() == saved
        assert [note.message for note in app._notifications][-1] == (
            "not saved: my.log: File exists; choose another file"
        )


@pytest.mark.parametrize("taken", [False, True])
async def test_brackets_in_the_name_of_a_file_are_shown_as_they_are(
    taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "a[/b].log"  # as markup it would end what was never begun
    (tmp_path / "a[").mkdir()
    if taken:
        (tmp_path / name).touch()
    app = Logs()
    async with app.run_test(size=(80, 10), notifications=True) as pilot:
        await add(pilot, numbered(3))
        await pilot.press("ctrl+s", "ctrl+u", *name, "enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        (note,) = app.query(Toast)
        assert name in str(note.render())


async def test_escape_leaves_a_prompt() -> None:
    app = Logs()
    async with app.run_test(size=(80, 10)) as pilot:
        await add(pilot, numbered(3))
        await pilot.press("slash", "x", "escape")
        assert app.focused is app.view
        assert app.view.following


async def test_a_long_line_is_read_in_full_below_or_by_moving_the_view() -> None:
    app = Logs()
    async with app.run_test(size=(80, 10)) as pilot:
        await add(pilot, [node_line("stan-0", f"{'long ' * 20}end")])
        assert not app.seen()[0].endswith("end")
        await pilot.press("right")
        assert str(app.pane.query_one("#detail", Static).content).endswith("end")
        await pilot.press(*["right"] * 20)
        assert app.view.render_line(0).text.endswith("end")
        await pilot.press("end")
        assert app.view.scroll_offset.x == 0


async def test_control_characters_are_drawn_escaped() -> None:
    app = Logs()
    async with app.run_test(size=(80, 10)) as pilot:
        await add(pilot, [node_line("stan-0", "\x1b[2Jboo\x07\x9b\u202eevil")])
        assert app.seen() == [r"\x1b[2Jboo\x07\x9b\u202eevil"]
        await pilot.press("up")
        assert str(app.pane.query_one("#detail", Static).content) == r"stan-0 \x1b[2Jboo\x07\x9b\u202eevil"


async def test_skipped_lines_are_counted() -> None:
    app = Logs()
    async with app.run_test(size=(80, 10)) as pilot:
        await add(pilot, numbered(1), 1_500)
        assert app.status.endswith("1,500 skipped")


async def test_replayed_lines_replace_earlier_ones() -> None:
    app = Logs()
    async with app.run_test(size=(80, 10)) as pilot:
        await add(pilot, numbered(3))
        app.pane.add(numbered(4), replay=True)
        await pilot.pause()
        assert app.seen() == ["line 0", "line 1", "line 2", "line 3"]
