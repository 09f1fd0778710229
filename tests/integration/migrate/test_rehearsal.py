"""A rehearsal on real servers: its verdict, its reports, and that nothing of it stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as Xml

import psutil
import pytest

from stanlocal.migrate.inventory import take_inventory
from stanlocal.migrate.jetstream.connection import connected
from stanlocal.migrate.load import load
from stanlocal.migrate.pack import pack
from stanlocal.migrate.pack_folder import read_pack
from stanlocal.migrate.plan import MigrationPlan, make_plan
from stanlocal.migrate.redelivery import check_redelivery
from stanlocal.migrate.rehearsal import Rehearsal, rehearse
from stanlocal.migrate.report.html import page
from stanlocal.migrate.report.junit import junit_report
from tests.support.cli import Cli
from tests.support.jetstream import JetStreamServer
from tests.support.stores import make_store, slice_of, subscription, update

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("jetstream_binary")]


def _impatient(plan: MigrationPlan) -> MigrationPlan:
    """The plan with ack waits of a second."""
    streams = tuple(
        replace(
            stream,
            consumers=tuple(
                replace(each, durable=replace(each.durable, ack_wait=10**9)) for each in stream.consumers
            ),
        )
        for stream in plan.streams
    )
    return replace(plan, streams=streams)


@pytest.fixture
def plan(real_store: Path) -> MigrationPlan:
    return _impatient(make_plan(take_inventory(real_store), limits_known=False))


async def test_a_rehearsal_is_ok_and_leaves_no_server(plan: MigrationPlan, tmp_path: Path) -> None:
    result = await rehearse(plan, tmp_path)
    assert (result.problems(), result.ok) == ([], True)
    assert [step.name for step in result.steps] == [
        *("pack", "load", "verify", "restart", "verify again", "redeliver"),
    ]
    assert [each.unacknowledged > 0 for each in result.redeliveries].count(True) == 2
    assert not servers_of(tmp_path)
    _reports_hold(result)


def servers_of(folder: Path) -> list[psutil.Process]:
    return [
        each
        for each in psutil.process_iter(["cmdline"])
        if str(folder) in " ".join(each.info["cmdline"] or ())
    ]


def _reports_hold(result: Rehearsal) -> None:
    shown = page(result)
    assert "app/holes" in shown
    assert "<script" not in shown
    cases = Xml.fromstring(junit_report(result)).findall(".//testcase")
    assert len(cases) == 2 * len(result.plan.streams) + 3
    assert not Xml.fromstring(junit_report(result)).findall(".//failure")


async def test_a_message_that_must_not_come_again_is_found(
    plan: MigrationPlan, jetstream: JetStreamServer, tmp_path: Path
) -> None:
    pack(plan, tmp_path / "pack")
    [orders] = [stream for stream in plan.streams if stream.name == "orders"]
    [holes] = [each for each in orders.consumers if each.name == "app_holes"]
    async with connected(jetstream.url) as server:
        await load(read_pack(tmp_path / "pack"), server)
        found = await check_redelivery(orders, replace(holes, pending=holes.pending[1:]), server)
    assert [problem.split(":")[0] for problem in found.problems] == [
        "1 unacknowledged messages did not come again",
        "1 others came before them",
    ]
    result = Rehearsal(plan, datetime.now(UTC), redeliveries=[found])
    assert not result.ok
    assert Xml.fromstring(junit_report(result)).findall(".//failure")
    assert "badge bad" in page(result)


async def test_a_consumer_that_may_take_more_is_asked_only_after_its_ack_wait(
    jetstream: JetStreamServer, tmp_path: Path
) -> None:
    """Before, the server delivers new messages to it, and that is no mistake."""
    subs = [(1, subscription(1, "dur")), *((5, update(1, each)) for each in (1, 2, 3)), (4, update(1, 2))]
    store = make_store(tmp_path / "store", [slice_of([b"x"] * 9)], subs=subs)
    plan = _impatient(make_plan(take_inventory(store)))
    pack(plan, tmp_path / "pack")
    [stream] = plan.streams
    [consumer] = stream.consumers
    async with connected(jetstream.url) as server:
        await load(read_pack(tmp_path / "pack"), server)
        found = await check_redelivery(stream, consumer, server)
    assert (found.unacknowledged, found.problems) == (2, [])


def test_the_command_writes_its_reports(tmp_path: Path, real_store: Path) -> None:
    names = tmp_path / "names.toml"
    names.write_text('[consumers.orders]\n"app/holes" = ""\n"work:pool" = ""\n')  # they have ack waits
    cli = Cli(tmp_path)
    reports = ("--html", "r.html", "--junit", "r.xml")
    said = cli.ok("migrate", "rehearse", str(real_store), "--names", "names.toml", *reports)
    assert said.rstrip().endswith("rehearsed: ok, with nats-server 2.15.2")
    assert "Migration rehearsed" in (tmp_path / "r.html").read_text()
    assert "testsuites" in (tmp_path / "r.xml").read_text()
