"""A load on a real group: what its ledger says when nodes die, subscribers drop, and the store goes away."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from stanlocal.api import FTGroup
from stanlocal.drill.analysis.checker import check
from stanlocal.drill.analysis.verdict import Budget, Verdict, judge
from stanlocal.drill.ledger.entries import Header
from stanlocal.drill.ledger.reader import read
from stanlocal.drill.ledger.writer import Ledger
from stanlocal.drill.load.load import Load
from stanlocal.drill.load.subscriber import Subscriber
from stanlocal.drill.scenario.spec import LoadSpec, ReaderKind
from stanlocal.errors import StanError
from stanlocal.faults.kill import Kill
from stanlocal.monitor.client import fetch
from stanlocal.outages.silence import TOLERANCE_S
from stanlocal.stan.errors import ConnectFailed
from stanlocal.stan.message import Message

pytestmark = pytest.mark.timeout(120)

EVERYONE = LoadSpec(channels=("orders", "bills"), publishers=3, rate=600, sizes=(64, 400), plain=1, durable=1,
                    queue=2, ack_wait=2)  # fmt: skip

KINDS: tuple[ReaderKind, ...] = ("plain", "durable", "queue")


@asynccontextmanager
async def loaded(
    group: FTGroup, folder: Path, spec: LoadSpec = EVERYONE
) -> AsyncIterator[tuple[Load, Ledger]]:
    """A load that runs; its ledger is `folder/ledger`."""
    with Ledger.create(folder / "ledger", Header(spec)) as ledger:
        load = Load(group, ledger, client_ids="drill-1")
        await load.start()
        try:
            yield load, ledger
        finally:
            await load.stop(20)


def verdict(folder: Path, budget: Budget | None = None) -> Verdict:
    return judge(check(read(folder / "ledger")), budget or Budget())


async def acked(load: Load, more: int) -> None:
    """Return once this number more were acknowledged."""
    wanted = load.stats().acked + more
    async with asyncio.timeout(30):
        while load.stats().acked < wanted:  # noqa: ASYNC110 - a load tells of nothing, it is asked
            await asyncio.sleep(0.01)


async def test_a_kill_of_the_active_loses_nothing(group: FTGroup, tmp_path: Path) -> None:
    """Nothing is lost, all get everything, and the outage is that of the failover."""
    async with loaded(group, tmp_path) as (load, ledger):
        await acked(load, 500)
        fault = await group.inject(Kill("SIGKILL"), "@active")
        hit = min(fault.record.times.values())
        ledger.note("fault", hit, name=fault.name, targets=list(fault.targets))
        failover = await fault.failover(timeout=20)
        await acked(load, 500)
        await group.heal()
    told = verdict(tmp_path, Budget(max_unknown=0, max_outage=20))
    found = told.findings
    assert told.problems == ()
    assert (found.lost, found.pending, found.unexpected, found.drained) == (0, 0, 0, True)
    assert found.published == found.acked >= 1000
    assert found.delivered >= 3 * found.acked
    assert found.unflagged == 0
    # From the end of the process to the next ack. Acks that were on their way may be handled after that end,
    # on a busy machine by more than is taken for the fault's own outage.
    waits = ((each.ended - hit).total_seconds() * 1e3 for each in found.outages if each.publisher is None)
    felt = max(waits, default=0)
    # One that is shorter than a slow disk takes is none.
    assert failover.server_ms - TOLERANCE_S * 1e3 - 50 <= felt <= failover.server_ms + 5000


async def test_the_server_forgets_a_load(group: FTGroup, tmp_path: Path) -> None:
    """A load that has stopped leaves no client and no durable on the server."""
    async with loaded(group, tmp_path) as (load, _):
        await acked(load, 50)
        look = await group.look()
    active = look.plan.monitor_url(look.plan.node(str(look.status.active)))
    assert (await fetch(active, "/streaming/clientsz", 5))["clients"] == []
    channels = (await fetch(active, "/streaming/channelsz?subs=1", 5))["channels"]
    assert {channel["name"]: channel.get("subscriptions") for channel in channels} == {
        "orders": None,
        "bills": None,
    }


async def test_subscribers_that_leave_get_what_they_missed(group: FTGroup, tmp_path: Path) -> None:
    """Durable, queue and plain ones: each goes on where it was; publishers number on."""
    async with loaded(group, tmp_path) as (load, _):
        for kind in KINDS:
            await acked(load, 100)
            await load.stop_subscribers(kind)
        await acked(load, 200)
        await load.stop_publishers()
        before = load.stats()
        assert before.missing > 400
        for kind in KINDS[:2]:
            await load.start_subscribers(kind)
        load.start_publishers()
        await acked(load, 100)
    assert verdict(tmp_path, Budget(max_unknown=0)).problems == ()


async def test_a_subscriber_that_drops_is_found(
    group: FTGroup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages that one subscriber swallows are lost to it, by their numbers."""
    whole = Subscriber._deliver

    def leaky(self: Subscriber, channel: str) -> Callable[[Message], None]:
        deliver = whole(self, channel)
        if self.reader.name != "durable-0" or channel != "orders":
            return deliver
        dropped = (20, 21)
        return lambda message: None if message.sequence in dropped else deliver(message)

    monkeypatch.setattr(Subscriber, "_deliver", leaky)
    with Ledger.create(tmp_path / "ledger", Header(EVERYONE)) as ledger:
        load = Load(group, ledger, client_ids="drill-1")
        await load.start()
        await acked(load, 200)
        await load.stop(1)
    told = verdict(tmp_path)
    assert (told.ok, told.findings.lost, told.findings.undelivered) == (False, 2, 0)
    assert {each.missing_at for each in told.findings.lost_messages} == {("durable-0",)}
    assert {each.had_by for each in told.findings.lost_messages} == {("plain-0", "queue", "audit")}
    assert told.problems[0].startswith(
        "2 acknowledged messages are missing at durable-0, only plain-0, queue"
    )


async def test_a_store_that_is_emptied_is_found(group: FTGroup, tmp_path: Path) -> None:
    """Messages acknowledged before are not in the store at the end, although every audience had them."""
    plan = (await group.look()).plan
    async with loaded(group, tmp_path) as (load, _):
        await acked(load, 300)
        await group.stop("@all")
        for folder in Path(plan.store_dir).iterdir():
            if folder.is_dir() and folder.name in EVERYONE.channels:
                shutil.rmtree(folder)
            elif folder.name in ("clients.dat", "server.dat"):
                folder.unlink()
        await group.start("@all")
        await group.wait_active(timeout=20)
        await acked(load, 300)
        await load.stop(3)
    told = verdict(tmp_path)
    assert told.findings.lost >= 250
    assert any("in the store at the end" in problem for problem in told.problems)
    everyone = ("plain-0", "durable-0", "queue")
    vanished = [each for each in told.findings.lost_messages if each.missing_at == ("audit",)]
    assert {each.first for each in vanished} == {1}
    assert vanished[0].had_by == everyone


async def test_a_cancelled_stop_closes_everything(group: FTGroup, tmp_path: Path) -> None:
    """The ledger of such a load does not report it as drained, and no task is left."""
    before = asyncio.all_tasks()
    with Ledger.create(tmp_path / "ledger", Header(EVERYONE)) as ledger:
        load = Load(group, ledger, client_ids="drill-1")
        await load.start()
        await acked(load, 100)
        await load.stop_subscribers("durable")
        stopping = asyncio.create_task(load.stop(60))
        await asyncio.sleep(0)
        stopping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopping
    assert asyncio.all_tasks() <= before
    told = verdict(tmp_path)
    assert (told.ok, told.findings.drained, told.findings.lost) == (True, False, 0)


async def test_a_client_that_is_lost_is_a_problem(group: FTGroup, tmp_path: Path) -> None:
    """The load cannot go on, and its ledger does not say that all had the time to get everything."""
    async with loaded(group, tmp_path) as (load, _):
        await acked(load, 50)
        await load._clients[0].close()
        await acked(load, 50)
    assert isinstance(load.failure, StanError)
    told = verdict(tmp_path)
    assert told.problems[0].startswith("client 'drill-1-")
    assert told.problems[0].endswith("is lost; see the log for the reason")
    assert not told.findings.drained


@pytest.mark.slow
async def test_a_load_that_cannot_start_leaves_nothing(group: FTGroup, tmp_path: Path) -> None:
    """Clients of the load give up without an active node, and are closed."""
    await group.stop("@all")
    before = asyncio.all_tasks()
    with Ledger.create(tmp_path / "ledger", Header(EVERYONE)) as ledger, pytest.raises(ConnectFailed):
        await Load(group, ledger, client_ids="drill-1").start()
    assert asyncio.all_tasks() <= before
