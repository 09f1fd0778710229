"""The failovers pane: each key, and what is seen of failovers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from stanlocal.history.failovers import Failover
from stanlocal.history.occurrences import Outage
from stanlocal.outages.gaps import Gap, Side
from stanlocal.stan.errors import NoActiveServer
from stanlocal.tui.widgets.failovers import FailoversPane
from stanlocal.tui.widgets.live_table import LiveTable
from stanlocal.tui.widgets.probing import Probing
from tests.tui.hosting import Desk, FakeGroup, shown

T0 = datetime(2026, 1, 1, 9, 50, 15, 123_000, tzinfo=UTC)
MS = timedelta(milliseconds=1)
LOW, TALL = (80, 16), (100, 40)
READY, OUTAGE, PUB, SUB, PHASES = 4, 5, 6, 7, 8


def failover(number: int, ready: int = 1000, first_ack: int | None = None) -> Failover:
    """Return a failover that takes `ready` ms; each begins a minute after the previous one."""
    began = T0 + number * timedelta(minutes=1)
    return Failover(
        cause="kill",
        from_node=f"t-{number % 2}",
        to_node=f"t-{1 - number % 2}",
        started_at=began,
        detected_at=began + 3 * MS,
        lock_at=began + (ready - 20) * MS,
        recovered_at=began + (ready - 10) * MS,
        ready_at=began + ready * MS,
        first_ack_at=None if first_ack is None else began + first_ack * MS,
    )


def probing(desk: Desk[FailoversPane]) -> str:
    return str(desk.pane.query_one(Probing).render())


async def test_without_a_failover_it_says_how_to_have_one() -> None:
    async with shown(FailoversPane) as it:
        assert "kill the active node" in it.says("none")


async def test_each_failover_is_a_row_with_its_phases_as_a_bar() -> None:
    async with shown(FailoversPane) as it:
        it.pane.show([failover(0), failover(1, 500, first_ack=520)])
        first, second = it.cells(0, "failovers"), it.cells(1, "failovers")
        assert first[2 : SUB + 1] == ["kill", "t-0 → t-1", "1,000", "-", "-", "-"]
        assert second[2 : SUB + 1] == ["kill", "t-1 → t-0", "500", "520", "-", "-"]
        assert len(first[PHASES]) == pytest.approx(2 * len(second[PHASES]), abs=1)
        assert set(first[PHASES]) <= set("░▒▓█")


async def test_phases_of_the_current_row_are_named() -> None:
    async with shown(FailoversPane) as it:
        it.pane.show([failover(0), failover(1, 500, first_ack=520)])
        it.pane.query_one("#failovers").focus()
        await it.press("down")
        await it.until(lambda: "lock 477" in it.says("phases"))
        assert it.says("phases") == "░ detected 3.0  ▒ lock 477  ▓ recovering 10  █ ready 10  ▪ first ack 20"


async def test_percentiles_skip_what_no_client_saw() -> None:
    async with shown(FailoversPane) as it:
        it.pane.show([failover(0, 1000), failover(1, 500, first_ack=520), failover(2, 700, first_ack=800)])
        ready, outage = it.says("spread").splitlines()
        assert ready.split() == ["fault", "to", "ready", "p50", "700", "p95", "1,000", "max", "1,000", "ms"]
        assert outage.split() == ["outage", "p50", "520", "p95", "800", "max", "800", "ms"]


async def test_gaps_of_clients_stand_beside_their_failover() -> None:
    async with shown(FailoversPane) as it:
        one = failover(0)
        it.pane.show([one, failover(1)])
        felt: list[tuple[Side, int]] = [("pub", 1050), ("pub", 1070), ("sub", 1090)]
        for side, late in felt:
            outage = Outage(one.started_at - 5 * MS, None, one.started_at + late * MS)
            it.pane.feel(Gap(side, "orders", outage))
        assert it.cells(0, "failovers")[PUB : SUB + 1] == ["1,075", "1,095"]
        assert it.cells(1, "failovers")[PUB : SUB + 1] == ["-", "-"]


LONG = "payments-of-our-staging-environment"


def long_named(number: int) -> Failover:
    """Return a failover of nodes with long names and much that is wide beside them."""
    found = replace(failover(number, 100_000, first_ack=100_100), cause="rolling-restart")
    return replace(found, from_node=f"{LONG}-{number % 2}", to_node=f"{LONG}-{1 - number % 2}")


async def test_long_names_leave_the_bar_in_sight() -> None:
    async with shown(FailoversPane) as it:
        it.pane.show([long_named(number) for number in range(12)])
        table = it.pane.query_one(LiveTable)
        cells = it.cells(0, "failovers")
        assert cells[3] == "…0 → …1"
        assert len(cells[PHASES]) == 8
        await it.until(lambda: table.virtual_size.width <= table.size.width)


async def test_a_screen_that_becomes_wide_or_narrow_shows_what_fits() -> None:
    async with shown(FailoversPane, size=(200, 40)) as it:
        it.pane.show([long_named(0)])
        table = it.pane.query_one(LiveTable)

        def fits(columns: int) -> bool:
            return it.pane.size.width == columns and table.virtual_size.width <= table.size.width

        assert it.cells(0, "failovers")[3] == f"{LONG}-0 → {LONG}-1"
        for columns in (80, 140, 200):
            await it.pilot.resize_terminal(columns, 40)
            await it.until(partial(fits, columns))
        await it.until(lambda: it.cells(0, "failovers")[3] == f"{LONG}-0 → {LONG}-1")


async def test_updated_failover_keeps_the_cursor() -> None:
    async with shown(FailoversPane) as it:
        it.pane.show([failover(0), failover(1)])
        table = it.pane.query_one(LiveTable)
        table.focus()
        await it.press("down")
        it.pane.show([failover(0), replace(failover(1), first_ack_at=failover(1).ready_at), failover(2)])
        assert table.cursor_row == 1
        assert it.cells(1, "failovers")[OUTAGE] == "1,000"


# The plot


async def test_plot_stands_below_the_table_on_a_high_screen_and_v_hides_it() -> None:
    async with shown(FailoversPane, size=TALL) as it:
        it.pane.show([failover(0), failover(1, 500, first_ack=520)])
        table, plot = it.pane.query_one("#failovers"), it.pane.query_one("#plot")
        await it.until(lambda: plot.display and table.display)
        table.focus()
        await it.press("v")
        assert (table.display, plot.display) == (True, False)


async def test_v_replaces_the_table_by_the_plot_on_a_low_screen() -> None:
    async with shown(FailoversPane, size=LOW) as it:
        it.pane.show([failover(0), failover(1, 500, first_ack=520)])
        table, plot = it.pane.query_one("#failovers"), it.pane.query_one("#plot")
        await it.pilot.pause()
        assert (table.display, plot.display) == (True, False)
        table.focus()
        await it.press("v")
        assert (table.display, plot.display) == (False, True)
        await it.press("v")
        assert (table.display, plot.display) == (True, False)


@pytest.mark.parametrize("count", [1, 200])
async def test_any_number_of_failovers_can_be_drawn(count: int) -> None:
    async with shown(FailoversPane, size=TALL) as it:
        it.pane.show([failover(number, 100 + number) for number in range(count)])
        await it.until(lambda: "fault&#160;to&#160;ready" in it.host.export_screenshot())


# The probe


async def test_o_starts_a_probe_that_shows_each_outage_and_o_ends_it() -> None:
    async with shown(FailoversPane) as it:
        assert "o starts one" in probing(it)
        it.pane.query_one("#failovers").focus()
        await it.press("o")
        await it.until(lambda: it.group.probing)
        it.group.probed.put_nowait(Outage(T0, None, T0 + 1100 * MS))
        await it.until(lambda: "1 outages, the last 1,100 ms" in probing(it))
        await it.press("o")
        await it.until(lambda: not it.group.probing)
        assert "o starts one" in probing(it)


async def test_a_probe_that_cannot_go_on_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(self: FakeGroup) -> AsyncGenerator[Outage]:
        raise NoActiveServer("no active server for cluster id 't'; start one")
        yield

    monkeypatch.setattr(FakeGroup, "probe", fail)
    async with shown(FailoversPane) as it:
        it.pane.action_probe()
        await it.until(lambda: "the probe ended: no active server" in probing(it))
        assert not it.pane.query_one(Probing).on


async def test_read_only_probes_nothing() -> None:
    async with shown(partial(FailoversPane, read_only=True)) as it:
        it.pane.query_one("#failovers").focus()
        await it.press("o")
        it.pane.action_probe()
        await it.pilot.pause()
        assert not it.group.probing
        assert not it.pane.query_one(Probing).display


async def test_y_copies_the_command_that_shows_the_same() -> None:
    async with shown(FailoversPane) as it:
        it.pane.document = {"group": "t"}
        it.pane.action_copy()
        assert it.host.clipboard == "stanlocal --group t failovers"
        it.pane.action_probe()
        it.pane.action_copy()
        assert it.host.clipboard == "stanlocal --group t failovers --probe"
