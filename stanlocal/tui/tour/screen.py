"""The main screen of a tour: that of a live group, with the lessons above it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from time import monotonic
from types import MappingProxyType
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from stanlocal.api import FTGroup
from stanlocal.errors import StanlocalError
from stanlocal.tui.messages import FailoversChanged, GroupMissing, LogLines
from stanlocal.tui.screens.main import WIDE_FROM, MainScreen
from stanlocal.tui.tour import progress_file
from stanlocal.tui.tour.guide import Guide
from stanlocal.tui.tour.observed import Observed
from stanlocal.tui.tour.pane import TourPane
from stanlocal.tui.tour.publishers import PublisherPair
from stanlocal.tui.tour.tour_text import heading, tour_text
from stanlocal.tui.widgets.group_bar import GroupBar
from stanlocal.tui.widgets.nodes import Nodes

_LOOK_EVERY_S = 0.1
_STARTS = "the tour's group starts"


class TourScreen(MainScreen):
    """A live group with the tour's pane; `starting` brings the group up."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "go(1)", "Next lesson", id="tour.next", tooltip="go on with the tour", show=False),
        Binding("b", "go(-1)", "Lesson before", id="tour.back", tooltip="go back in the tour", show=False),
        Binding(
            "T", "hide", "Hide or show the tour", id="tour.hide", tooltip="leave the tour, or return to it"
        ),
    ]

    def __init__(
        self,
        group: FTGroup,
        guide: Guide,
        starting: Awaitable[object],
        *,
        keys: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(group, keys=keys)
        self._asked_to_start = True  # `starting` does it
        self._guide = guide
        self._saved = guide.progress
        self._starting = starting
        self._start = "starting two nodes"
        """Progress of the group's start; empty once it is up."""
        self._past_is_read = False
        """Whether the lines before the tour are known, so that none of them counts as new."""
        self._observed = Observed()
        self._publishers = PublisherPair(group.connect)

    def compose(self) -> ComposeResult:
        names = self._key_names()
        words = (
            f"{names['tour.next']} next lesson",
            f"{names['tour.back']} back",
            f"{names['tour.hide']} hide",
        )
        for at, each in enumerate(super().compose()):
            yield each
            if at == 0:
                yield TourPane(", ".join(words))

    def on_mount(self) -> None:
        self._tour_keys = self._key_names()
        self.run_worker(self._wait_for_start(), name="start", group="start", exclusive=True)
        self.set_interval(_LOOK_EVERY_S, self.look)

    async def _wait_for_start(self) -> None:
        """Leave the screen if the group does not start."""
        try:
            await asyncio.shield(self._starting)
        except Exception:  # noqa: BLE001 - `take_tour` raises it once the screen is closed
            self.app.exit()
            return
        self._start = ""
        if self.document is not None:
            self.show_state(self.document, ())

    def say(self, line: str) -> None:
        if self._start:
            self._start = line
        else:
            super().say(line)

    # Observing

    def show_state(self, document: Mapping[str, Any], missing: Sequence[str]) -> None:
        if self._start:  # the next step would be to bring it up
            self.query_one(GroupBar).show_trouble(_STARTS)
        else:
            super().show_state(document, missing)

    def on_group_missing(self, message: GroupMissing) -> None:
        if self._start:
            message.prevent_default()  # textual calls the handler of each class, unless one says this
            self.query_one(GroupBar).show_trouble(_STARTS)

    def on_failovers_changed(self, message: FailoversChanged) -> None:
        self._observed.failovers = message.failovers

    def on_log_lines(self, message: LogLines) -> None:
        self._past_is_read = True
        self._observed.learn_lines(message.lines, replay=message.replay)

    def look(self) -> None:
        """Take what has happened since, and show the lesson."""
        seen = self._observed
        seen.document = self.document if self._past_is_read and not self._start else None
        seen.seconds = monotonic()
        seen.target = self.query_one(Nodes).target
        seen.tab = self._panes.title if self._panes is not None else ""
        seen.plain, seen.resending = self._publishers.counts
        self._guide.look(seen, self._tour_keys)
        lesson = self._guide.lesson
        self._publishers.run(lesson is not None and lesson.publishes and not self._start)
        self._save()
        self._show()

    def _show(self) -> None:
        accounts = 2 if self.size.width >= WIDE_FROM or self._guide.step is None else 1
        text = tour_text(
            self._guide, self._observed, self._tour_keys, accounts=accounts, starting=self._start
        )
        self.query_one(TourPane).show(heading(self._guide), text)

    def _save(self) -> None:
        if self._guide.progress == self._saved:
            return
        self._saved = self._guide.progress
        try:
            progress_file.save(self._saved)
        except (StanlocalError, OSError) as error:
            self.notify(f"the place in the tour is not saved: {error}", severity="warning", markup=False)

    async def finish(self) -> Sequence[str]:
        await self._publishers.close()
        return await super().finish()

    # Actions

    def action_go(self, by: int) -> None:
        self._guide.go(by, self._observed)
        self.look()

    def action_hide(self) -> None:
        pane = self.query_one(TourPane)
        pane.display = not pane.display
        self.show_hint("" if pane.display else f"{self._tour_keys['tour.hide']}: the tour")
