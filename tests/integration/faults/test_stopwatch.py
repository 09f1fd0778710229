"""Failovers timed by the servers' own clocks and by a client's, and compared."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from pathlib import Path

import pytest

from stanlocal.api import FTGroup
from stanlocal.history.failovers import PHASES, bridges
from stanlocal.history.occurrences import Outage
from stanlocal.model.states import GroupState
from stanlocal.monitor import client
from tests.support.cli import Cli

CLOSE_MS = 20
BUSY_MS = 150
"""Outage that acks may cause now and then on a machine that runs other tests meanwhile."""


async def _kills(group: FTGroup, count: int) -> list[Outage]:
    """A client's view of a number of kills of the active."""
    seen: list[Outage] = []
    told: asyncio.Queue[Outage] = asyncio.Queue()

    async def look() -> None:
        async with aclosing(group.probe()) as outages:
            async for outage in outages:
                await told.put(outage)

    looking = asyncio.create_task(look())
    try:
        for _ in range(count):
            await _hear_each_other(group)
            await asyncio.sleep(0.3)  # acks come meanwhile: the kill is to hit a group in use
            fault = await group.kill("@active")
            failover = await fault.failover()
            outage = await asyncio.wait_for(told.get(), 10)
            while not bridges(outage, failover):  # a slow disk's, or a busy machine's
                outage = await asyncio.wait_for(told.get(), 10)
            seen.append(outage)
            await fault.heal()
            await group.wait_state(GroupState.HEALTHY)
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
    return seen


async def _hear_each_other(group: FTGroup) -> None:
    """Until every node has its routes: who has none to the active cannot notice its end."""
    plan = (await group.look()).plan
    async with asyncio.timeout(10):
        for url in plan.monitor_urls:
            while (await client.fetch(url, "/varz", 2))["routes"] < len(plan.nodes) - 1:
                pass  # each answer takes its time


@pytest.mark.parametrize(
    ("count", "close_ms"),
    [(2, BUSY_MS), pytest.param(20, CLOSE_MS, marks=[pytest.mark.slow, pytest.mark.timeout(300)])],
    ids=["2", "20"],
)
async def test_the_phases_of_each_kill_add_up_to_the_outage_that_the_client_saw(
    group: FTGroup, count: int, close_ms: int
) -> None:
    before = len(await group.failovers())
    seen = await _kills(group, count)
    found = (await group.failovers())[before:]
    assert len(found) == count
    for failover, outage in zip(found, seen, strict=True):
        assert failover.cause == "kill"
        assert None not in [failover.phases_ms[phase] for phase in PHASES], failover
        client_ms = (outage.first_ack - outage.last_ack).total_seconds() * 1000
        total = sum(filter(None, failover.phases_ms.values()))
        assert total == pytest.approx(failover.outage_ms, abs=0.01)
        assert total == pytest.approx(client_ms, abs=close_ms)


async def test_unwatched_failovers_are_found_in_the_logs(group: FTGroup, name: str, tmp_path: Path) -> None:
    fault = await group.kill("@active")
    await fault.failover()
    drawn = {kind: tmp_path / f"f.{kind}" for kind in ("svg", "html")}
    cli = Cli(tmp_path, group=name)
    told = json.loads(cli.ok("failovers", "--json", "--svg", str(drawn["svg"]), "--html", str(drawn["html"])))
    last = told["failovers"][-1]
    assert last["cause"] == "kill"
    assert last["from"] == fault.targets[0]
    assert last["phases_ms"]["first_ack"] is None
    assert last["outage_ms"] is None
    assert last["moments"]["ready"] > last["moments"]["lock"] > last["moments"]["fault"]
    assert all(last["from"] in path.read_text() for path in drawn.values())
    await group.heal()


async def test_a_probe_ends_when_its_time_is_up(name: str, group: FTGroup, tmp_path: Path) -> None:
    ended = Cli(tmp_path, group=name).run("failovers", "--probe", "--for", "0.3", "--json")
    assert ended.returncode == 0
    assert "failovers" in json.loads(ended.stdout)
