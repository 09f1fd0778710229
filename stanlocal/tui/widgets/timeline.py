"""The timeline pane: states, faults and their end, failovers, locks, problems."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from stanlocal.history.timeline import Event, in_words
from stanlocal.tui.widgets.line_view import LineView
from stanlocal.tui.widgets.lines_pane import LinesPane
from stanlocal.tui.widgets.row_text import clock, one_line
from stanlocal.util.timestamps import rfc3339

MOST_EVENTS = 10_000
_GROUP = "group"


@dataclass(frozen=True, slots=True)
class Entry:
    """An event, and the time since the previous one."""

    event: Event
    after: timedelta | None


class TimelineView(LineView[Entry]):
    """Events with time, time since the previous event, type, node and text."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "timeline--time",
        "timeline--fault",
        "timeline--heal",
        "timeline--failover",
        "timeline--problem",
        "timeline--group-state",
    }
    DEFAULT_CSS = """
    TimelineView {
        .timeline--time { text-style: dim; }
        .timeline--fault { color: $text-error; text-style: bold; }
        .timeline--problem { color: $text-error; }
        .timeline--heal { color: $text-success; }
        .timeline--failover { color: $text-warning; text-style: bold; }
        .timeline--group-state { text-style: bold; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.name_width = len(_GROUP)
        """Width of the longest node's name."""

    def parts(self, row: Entry) -> Sequence[tuple[str, str]]:
        event = row.event
        what = f"{event.type:<11} {event.node or _GROUP:<{self.name_width}} {one_line(in_words(event))}"
        part = f"timeline--{event.type}"
        return (
            (f"{clock(event.time)} {_gap(row.after):>8} ", "timeline--time"),
            (what, part if part in self.COMPONENT_CLASSES else ""),
        )

    def words(self, row: Entry) -> str:
        event = row.event
        text = f"{rfc3339(event.time)} {event.type} {event.node or _GROUP}: {in_words(event)}"
        if event.type == "fault":
            text += f"; expected: {event.detail['expected']}"
        return one_line(text)

    def time(self, row: Entry) -> datetime:
        return row.event.time


class TimelinePane(LinesPane):
    """The newest events, in order of their arrival."""

    KIND = "timeline"

    def __init__(self) -> None:
        self._timeline = TimelineView(id="timeline-view")
        super().__init__(self._timeline)
        self._entries: list[Entry] = []

    def add(self, events: Sequence[Event], *, replay: bool = False) -> None:
        """Add events, oldest first; with `replay` they replace all earlier ones."""
        if replay:
            self._entries.clear()
        for event in events:
            after = event.time - self._entries[-1].event.time if self._entries else None
            self._entries.append(Entry(event, after))
        widths = (len(event.node or _GROUP) for event in events)
        self._timeline.name_width = max(self._timeline.name_width, *widths, 0)
        del self._entries[:-MOST_EVENTS]
        self._view.show(self._entries, len(events))
        self.refresh_status()

    def status(self) -> Iterable[str]:
        yield from super().status()
        yield f"{len(self._view.rows):,} events"


def _gap(after: timedelta | None) -> str:
    """Return the time since the previous event, rounded; empty for an event that arrived late."""
    if after is None or after < timedelta(0):
        return ""
    seconds = after.total_seconds()
    if seconds < 100:
        return f"+{seconds:.3f}s"
    minutes = seconds / 60
    return f"+{minutes:.0f}min" if minutes < 100 else f"+{minutes / 60:.0f}h"
