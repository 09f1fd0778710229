"""The publish pane: each key, and what is seen of a publication."""

from __future__ import annotations

import errno
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from stanlocal.history.failovers import Failover, bridges
from stanlocal.history.occurrences import Outage
from stanlocal.outages.gaps import Gap
from stanlocal.tui.causes import UNKNOWN
from stanlocal.tui.widgets.publish import PublishPane
from stanlocal.util.durable_write import full
from tests.tui.hosting import Desk, FakeGroup, shown

STATE, SENT, ACKED = 1, 2, 3


async def publish(desk: Desk[PublishPane], **texts: str) -> None:
    """Fills the form in and sends it; returns once that is answered: it is left, or a problem is said."""
    desk.fill(**texts)
    channel = desk.pane.query_one("#channel")
    desk.host.set_focus(channel)
    await desk.press("enter")
    await desk.until(
        lambda: desk.host.focused is not channel or desk.pane.query_one("#says").has_class("-problem")
    )


async def test_enter_publishes_and_all_is_acknowledged() -> None:
    async with shown(PublishPane) as it:
        await publish(it, channel="orders", payload="hello [b]x[/b]", count="3")
        await it.until(lambda: it.cells()[STATE:SENT] == ["done"])
        assert it.host.focused is it.pane.query_one("#running"), "the next key is no text for the form"
        assert it.cells()[:5] == ["orders", "done", "3", "3", "0"]
        assert it.group.server.channels == {"orders": [b"hello [b]x[/b]"] * 3}


async def test_the_form_says_which_command_it_comes_to_or_what_is_wrong() -> None:
    async with shown(PublishPane) as it:
        it.fill(channel="a", count="5", rate="2")
        await it.until(lambda: it.says("says") == "$ stanlocal pub a --count 5 --rate 2")
        it.fill(channel="a b")
        await it.until(lambda: "invalid channel 'a b'" in it.says("says"))
        await publish(it)
        assert it.cells() == []


async def test_the_command_names_the_group() -> None:
    async with shown(PublishPane) as it:
        it.pane.document = {"group": "t"}
        await publish(it, channel="a", payload="x")
        await it.until(lambda: it.says("detail") == "$ stanlocal --group t pub a -- x")


async def test_y_copies_the_command_and_x_stops_the_publication() -> None:
    async with shown(PublishPane) as it:
        await publish(it, channel="a", count="", rate="200")
        await it.until(lambda: it.cells()[STATE:SENT] == ["publishing"])
        await it.press("escape", "y")
        assert it.host.clipboard == "stanlocal pub a --count 1000000000 --rate 200"
        await it.press("x")
        await it.until(lambda: it.cells()[STATE] == "stopped")


async def test_n_leads_to_the_form_and_escape_out_of_it() -> None:
    async with shown(PublishPane) as it:
        it.pane.query_one("#running").focus()
        await it.press("n")
        assert it.host.focused is it.pane.query_one("#channel")
        await it.press("escape")
        assert it.host.focused is it.pane.query_one("#running")


async def test_several_publications_run_at_once_and_keys_act_on_that_under_the_cursor() -> None:
    async with shown(PublishPane) as it:
        await publish(it, channel="a", count="", rate="100")
        await publish(it, channel="b", count="", rate="100")
        await it.until(lambda: it.cells(0)[STATE:SENT] == it.cells(1)[STATE:SENT] == ["publishing"])
        await it.press("escape", "up", "x")
        await it.until(lambda: it.cells(0)[STATE] == "stopped")
        assert it.cells(1)[STATE] == "publishing"


async def test_gap_of_a_publisher_is_shown_recorded_and_posted() -> None:
    """A busy machine makes other gaps too, which no fault explains."""
    async with shown(PublishPane) as it:
        await publish(it, channel="a", count="", rate="200")
        await it.until(lambda: it.cells()[STATE:SENT] == ["publishing"])
        it.group.server.serving = False
        await it.until(lambda: it.cells()[STATE].startswith("no ack"))
        ready = datetime.now(UTC)
        it.group.server.serve()
        failover = Failover("kill", "t-0", "t-1", ready, None, None, None, ready)
        await it.until(lambda: any(bridges(gap.outage, failover) for gap in it.host.felt))
        await it.until(lambda: [gap.outage for gap in it.host.felt] == it.group.recorded)
        await it.until(lambda: it.cells(table="felt")[2:] == ["a", UNKNOWN])
        it.pane.show([failover])
        rows = range(len(it.host.felt))
        await it.until(lambda: ["a", "kill: t-0 → t-1"] in [it.cells(row, "felt")[2:] for row in rows])
        before = int(it.cells()[ACKED])
        await it.until(lambda: int(it.cells()[ACKED]) > before)


async def test_an_outage_that_cannot_be_recorded_is_shown_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def no_space(self: FakeGroup, outage: object) -> None:
        raise full("journal.jsonl", OSError(errno.ENOSPC, "No space left on device"))

    monkeypatch.setattr(FakeGroup, "record_outage", no_space)
    async with shown(PublishPane) as it:
        await publish(it, channel="a", count="", rate="200")
        await it.until(lambda: it.cells()[STATE:SENT] == ["publishing"])
        it.group.server.serving = False
        await it.until(lambda: it.cells()[STATE].startswith("no ack"))
        it.group.server.serve()
        await it.until(lambda: it.cells(table="felt") != [])
        await it.until(lambda: "journal.jsonl cannot be written: no space left" in it.notified)


async def test_failed_publication_shows_the_reason() -> None:
    async with shown(PublishPane) as it:
        it.group.server.serving = False
        await publish(it, channel="a", payload="x")
        await it.until(lambda: it.cells()[STATE:SENT] == ["ended"])
        await it.until(lambda: "no active server" in it.says("detail"))


async def test_publications_go_on_while_the_pane_is_not_seen() -> None:
    async with shown(PublishPane) as it:
        await publish(it, channel="a", count="", rate="200")
        stored = it.group.server.channels
        await it.until(lambda: it.cells()[STATE:SENT] == ["publishing"] and "a" in stored)
        it.pane.display = False
        before = len(stored["a"])
        await it.until(lambda: len(stored["a"]) > before + 20)
        drawn = int(it.cells()[ACKED])
        assert drawn < len(stored["a"])
        it.pane.display = True
        await it.until(lambda: int(it.cells()[ACKED]) > drawn)


async def test_read_only_publishes_nothing() -> None:
    async with shown(partial(PublishPane, read_only=True)) as it:
        it.pane.query_one("#running").focus()
        await it.press("n")
        assert not it.pane.query_one("PublishForm").display
        it.pane.start()
        assert it.group.server.clients == []
        assert it.cells() == []


async def test_the_newest_gap_is_in_sight_however_many_there_are() -> None:
    async with shown(PublishPane) as it:
        begun = datetime.now(UTC)
        for number in range(1, 9):
            end = begun + timedelta(milliseconds=1000 * number)
            it.pane.feel(Gap("pub", "orders", Outage(begun, None, end)))
            await it.pilot.pause()
        assert it.cells(0, "felt")[1] == "8,000"
        assert it.pane.query_one("#felt").scroll_offset.y == 0
