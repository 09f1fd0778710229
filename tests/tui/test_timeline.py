"""The timeline pane."""

from __future__ import annotations

from datetime import timedelta

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Static

from stanlocal.history.timeline import Event, EventType
from stanlocal.tui.widgets.timeline import TimelinePane, TimelineView
from tests.tui.lines import START

PHASES = {"detected": 0.0, "lock": 1089.0, "recovering": 3.0, "ready": 4.0, "first_ack": None}


def event(kind: EventType, node: str | None, at: float, **detail: object) -> Event:
    return Event(START + timedelta(seconds=at), kind, node, detail)


STORY = [
    event("fault", "stan-0", 0, name="kill", targets=["stan-0"], expected="failover: stan-1 takes over"),
    event("state", "stan-0", 0.002, **{"from": "active", "to": "stopped"}),
    event("lock", "stan-1", 1.089, lock="taken"),
    event(
        "failover", "stan-1", 1.096, **{"cause": "kill", "from": "stan-0", "to": "stan-1"}, phases_ms=PHASES
    ),
    event("group-state", None, 1.096, **{"from": "failover", "to": "degraded", "problem": None}),
    event("heal", "stan-0", 301.096, name="kill"),
    event("problem", None, 7501.096, problem="bad \x1b[2J news"),
]


class Story(App[None]):
    def compose(self) -> ComposeResult:
        yield TimelinePane()

    def seen(self) -> list[list[str]]:
        view = self.query_one(TimelineView)
        lines = [view.render_line(y).text for y in range(view.size.height)]
        return [line.split()[1:] for line in lines if line.strip()]


async def test_each_event_shows_the_time_since_the_previous_one() -> None:
    app = Story()
    async with app.run_test(size=(140, 12)) as pilot:
        app.query_one(TimelinePane).add(STORY)
        await pilot.pause()
        entries = [" ".join(row) for row in app.seen()]
    assert entries == [
        "fault stan-0 kill",
        "+0.002s state stan-0 active -> stopped",
        "+1.087s lock stan-1 took the store lock",
        "+0.007s failover stan-1 kill: stan-0 -> stan-1 "
        "(detected 0 ms, lock 1089 ms, recovering 3 ms, ready 4 ms)",
        "+0.000s group-state group failover -> degraded",
        "+5min heal stan-0 kill",
        r"+2h problem group bad \x1b[2J news",
    ]


async def test_current_row_is_shown_in_full_with_its_date() -> None:
    app = Story()
    async with app.run_test(size=(80, 12)) as pilot:
        app.query_one(TimelinePane).add(STORY)
        app.query_one(TimelineView).focus()
        await pilot.press("home")
        detail = str(app.query_one("#detail", Static).content)
    assert detail == ("2026-11-23T09:50:15.000000Z fault stan-0: kill; expected: failover: stan-1 takes over")


async def test_only_so_many_events_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stanlocal.tui.widgets.timeline.MOST_EVENTS", 3)
    app = Story()
    async with app.run_test(size=(140, 12)) as pilot:
        pane = app.query_one(TimelinePane)
        for entries in STORY:
            pane.add([entries])
        await pilot.pause()
        assert [row[1] for row in app.seen()] == ["group-state", "heal", "problem"]
        assert str(pane.query_one("#status", Static).content) == "following · 3 events"


async def test_replayed_events_replace_earlier_ones() -> None:
    app = Story()
    async with app.run_test(size=(140, 12)) as pilot:
        pane = app.query_one(TimelinePane)
        pane.add(STORY[:2], replay=True)
        pane.add(STORY[:3], replay=True)
        await pilot.pause()
        assert [row[-1] for row in app.seen()] == ["kill", "stopped", "lock"]
