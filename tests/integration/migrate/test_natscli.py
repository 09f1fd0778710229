"""Plain `nats stream restore` restores a pack, without stanlocal; so the format is the server's own."""

from __future__ import annotations

import asyncio
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from stanlocal.migrate.inventory import take_inventory
from stanlocal.migrate.jetstream.connection import connected
from stanlocal.migrate.pack import pack
from stanlocal.migrate.plan import MigrationPlan, make_plan
from stanlocal.migrate.redelivery import check_redelivery
from stanlocal.migrate.verify import verify
from tests.support.jetstream import JetStreamServer
from tests.support.natscli import build_natscli

pytestmark = pytest.mark.server


@pytest.fixture
def plan(real_store: Path) -> MigrationPlan:
    """The plan of a real store, with ack waits of two seconds: they begin when the pack is made."""
    made = make_plan(take_inventory(real_store), limits_known=False)
    streams = []
    for stream in made.streams:
        consumers = [
            replace(each, durable=replace(each.durable, ack_wait=2 * 10**9)) for each in stream.consumers
        ]
        streams.append(replace(stream, consumers=tuple(consumers)))
    return replace(made, streams=tuple(streams))


@pytest.mark.slow
async def test_natscli_restores_a_pack_and_its_consumers_are_right(
    plan: MigrationPlan, jetstream: JetStreamServer, tmp_path: Path
) -> None:
    natscli = await build_natscli()
    pack(plan, tmp_path / "pack")
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    for stream in plan.streams:
        command = [
            str(natscli),
            "-s",
            jetstream.url,
            "stream",
            "restore",
            str(tmp_path / "pack" / stream.name),
        ]
        restoring = await asyncio.create_subprocess_exec(
            *command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        said, _ = await restoring.communicate()
        assert restoring.returncode == 0, said.decode()
    async with connected(jetstream.url) as server:
        verdict = await verify(plan, server)
        assert verdict.ok, verdict.document()
        assert (verdict.document()["messages"], verdict.document()["consumers"]) == (4_303, 3)
        for stream in plan.streams:
            for consumer in stream.consumers:
                assert (await check_redelivery(stream, consumer, server)).problems == []
