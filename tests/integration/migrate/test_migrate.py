"""From a store of a real STAN server to a real JetStream server, and the proof of it."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import nats
import pytest

from stanlocal.errors import JetStreamError
from stanlocal.migrate.inventory import take_inventory
from stanlocal.migrate.jetstream.connection import connected
from stanlocal.migrate.load import Loaded, load
from stanlocal.migrate.pack import pack
from stanlocal.migrate.pack_folder import DATA, PackFolder, read_pack
from stanlocal.migrate.plan import MigrationPlan, make_plan
from stanlocal.migrate.verify import Verification, verify
from tests.integration.migrate.real_store import UNACKED
from tests.support.cli import Cli
from tests.support.jetstream import JetStreamServer, make_ready, running_cluster, running_jetstream

pytestmark = pytest.mark.server


@pytest.fixture(scope="session")
def plan(real_store: Path) -> MigrationPlan:
    return make_plan(take_inventory(real_store), limits_known=False)


@pytest.fixture(scope="session")
def packed(plan: MigrationPlan, tmp_path_factory: pytest.TempPathFactory) -> PackFolder:
    folder = tmp_path_factory.mktemp("packs") / "pack"
    pack(plan, folder)
    return read_pack(folder)


async def _load(pack_folder: PackFolder, url: str, replicas: int = 1) -> Loaded:
    async with connected(url) as server:
        return await load(pack_folder, server, replicas=replicas)


async def _verify(plan: MigrationPlan, url: str) -> Verification:
    async with connected(url) as server:
        return await verify(plan, server)


def _differences(verdict: Verification) -> dict[str, dict[str, int]]:
    return {each["stream"]: each["counts"] for each in verdict.document()["streams"] if each["counts"]}


async def test_everything_arrives_and_survives_a_restart(
    plan: MigrationPlan, packed: PackFolder, jetstream_binary: Path, tmp_path: Path
) -> None:
    with running_jetstream(jetstream_binary, tmp_path / "js") as server:
        await _load(packed, server.url)
        verdict = await _verify(plan, server.url)
        assert (_differences(verdict), verdict.ok) == ({}, True)
        assert verdict.document()["messages"] == 4_303
        assert verdict.document()["consumers"] == 3
        assert all(stream.pending_known for stream in verdict.streams)
    with running_jetstream(jetstream_binary, tmp_path / "js", server.port) as server:
        assert _differences(await _verify(plan, server.url)) == {}


async def test_exactly_the_unacknowledged_messages_come_first_and_then_the_next(
    plan: MigrationPlan, jetstream: JetStreamServer, tmp_path: Path
) -> None:
    """With an ack wait of half a second instead of 30."""
    [orders] = [stream for stream in plan.streams if stream.name == "orders"]
    [holes] = [each for each in orders.consumers if each.name == "app_holes"]
    consumer = replace(holes, durable=replace(holes.durable, ack_wait=500_000_000))
    pack(replace(plan, streams=(replace(orders, consumers=(consumer,)),)), tmp_path / "pack")
    await _load(read_pack(tmp_path / "pack"), jetstream.url)
    client = await nats.connect(jetstream.url)
    try:
        subscription = await client.jetstream().pull_subscribe_bind("app_holes", "orders")
        found: list[int] = []
        while len(found) <= len(consumer.pending):
            for message in await subscription.fetch(
                min(50, len(consumer.pending) + 1 - len(found)), timeout=10
            ):
                found.append(message.metadata.sequence.stream)
                assert message.metadata.num_delivered == (2 if found[-1] <= consumer.delivered else 1)
                await message.ack()
    finally:
        await client.close()
    assert sorted(found[:-1]) == list(consumer.pending)
    assert found[-1] == consumer.delivered + 1
    assert set(consumer.pending) >= UNACKED


async def test_what_is_changed_in_the_server_is_found(
    plan: MigrationPlan, packed: PackFolder, jetstream: JetStreamServer
) -> None:
    await _load(packed, jetstream.url)
    async with connected(jetstream.url) as server:
        await server.ask("STREAM.MSG.DELETE.orders", {"seq": 3_999})
    client = await nats.connect(jetstream.url)
    try:
        await client.jetstream().publish("events.eu", b"new", headers={"A": "b"})
        subscription = await client.jetstream().pull_subscribe_bind("app_caught_up", "events_eu")
        [message] = await subscription.fetch(1, timeout=10)
        assert message.metadata.sequence.stream == 301
    finally:
        await client.close()
    assert _differences(await _verify(plan, jetstream.url)) == {
        "orders": {"missing": 1},
        "events_eu": {"last-sequence": 1, "extra": 1, "delivered": 1, "pending": 1},
    }


async def test_no_consumer_stays_behind(
    plan: MigrationPlan, packed: PackFolder, jetstream: JetStreamServer
) -> None:
    await _load(packed, jetstream.url)
    await _verify(plan, jetstream.url)
    async with connected(jetstream.url) as server:
        counts = {
            stream.name: (await server.stream(stream.name) or {})["state"]["consumer_count"]
            for stream in plan.streams
        }
    assert counts == {"orders": 2, "events_eu": 1, "bytes": 0, "empty": 0}


async def test_a_second_load_adds_nothing(packed: PackFolder, jetstream: JetStreamServer) -> None:
    await _load(packed, jetstream.url)
    again = await _load(packed, jetstream.url)
    assert {each["result"] for each in again.streams} == {"there already"}


async def test_a_load_that_broke_off_is_taken_up_again(
    plan: MigrationPlan, packed: PackFolder, jetstream: JetStreamServer, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(packed.path, broken)
    archive = broken / "orders" / DATA
    os.truncate(archive, archive.stat().st_size - 2_000)
    with pytest.raises(JetStreamError, match="refused the restore of stream orders"):
        await _load(read_pack(broken), jetstream.url)
    done = await _load(packed, jetstream.url)
    assert {each["stream"]: each["result"] for each in done.streams}["orders"] == "restored again"
    assert _differences(await _verify(plan, jetstream.url)) == {}


async def test_another_stream_of_the_same_name_is_refused_and_kept(
    packed: PackFolder, jetstream: JetStreamServer
) -> None:
    client = await nats.connect(jetstream.url)
    try:
        await client.jetstream().add_stream(name="orders", subjects=["orders"])
        await client.jetstream().publish("orders", b"mine")
        with pytest.raises(JetStreamError, match="has a stream orders that this pack did not make"):
            await _load(packed, jetstream.url)
        assert (await client.jetstream().stream_info("orders")).state.messages == 1
    finally:
        await client.close()


async def test_a_cluster_gets_the_same_streams_three_times(
    plan: MigrationPlan, packed: PackFolder, jetstream_binary: Path, tmp_path: Path
) -> None:
    with running_cluster(jetstream_binary, tmp_path / "cluster") as servers:
        await make_ready(servers)
        await _load(packed, servers[0].url, replicas=3)
        verdict = await _verify(plan, servers[1].url)
        async with connected(servers[2].url) as server:
            info = await server.stream("orders") or {}
    assert (_differences(verdict), verdict.document()["messages"]) == ({}, 4_303)
    assert info["config"]["num_replicas"] == 3
    assert not all(stream.pending_known for stream in verdict.streams)


async def test_a_server_without_jetstream_is_one_line(
    jetstream_binary: Path, packed: PackFolder, tmp_path: Path
) -> None:
    with (
        running_jetstream(jetstream_binary, tmp_path / "js", jetstream=False) as server,
        pytest.raises(JetStreamError, match="has no JetStream"),
    ):
        await _load(packed, server.url)


async def test_a_message_that_the_server_would_not_take_is_said_before(
    packed: PackFolder, jetstream: JetStreamServer
) -> None:
    large = tuple(replace(stream, largest=2 << 20) for stream in packed.streams)
    with pytest.raises(JetStreamError, match="raise 'max_payload'"):
        await _load(replace(packed, streams=large), jetstream.url)
    async with connected(jetstream.url) as server:
        assert await server.stream("orders") is None


async def test_a_limit_that_the_server_has_no_room_for_is_named(
    packed: PackFolder, jetstream: JetStreamServer
) -> None:
    large = tuple(
        replace(stream, config={**stream.config, "max_bytes": 1 << 60}) for stream in packed.streams
    )
    needed = f"max_file_store: {len(large) << 60} }}"
    with pytest.raises(JetStreamError, match=f"no room .* reserves max_bytes whole, .*{needed}"):
        await _load(replace(packed, streams=large), jetstream.url)


def test_two_commands_lead_from_a_copied_store_to_a_verified_stream(
    real_store: Path, jetstream: JetStreamServer, tmp_path: Path
) -> None:
    cli = Cli(tmp_path)
    said = cli.ok("migrate", "pack", str(real_store), "--out", "pack")
    assert said.endswith("next: stanlocal migrate load pack --to nats://SERVER:4222 --verify\n")
    said = cli.ok("migrate", "load", "pack", "--to", jetstream.url, "--verify")
    assert "\nequal: 4,303 messages and 3 consumers compared" in said
    document = cli.json("migrate", "verify", str(real_store), "--to", jetstream.url, "--json")
    assert document["ok"] is True


def test_a_server_with_a_login_takes_it_from_a_file_and_no_message_shows_it(
    real_store: Path, packed: PackFolder, jetstream_binary: Path, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("s3cret\n")
    login = ("--user", "mover", "--password-file", "password")
    options = ("--user", "mover", "--pass", "s3cret")
    cli = Cli(tmp_path)
    with running_jetstream(jetstream_binary, tmp_path / "js", options=options) as server:
        cli.ok("migrate", "load", str(packed.path), "--to", server.url, *login)
        cli.ok("migrate", "verify", str(real_store), "--to", server.url, *login)
        wrong = cli.run(
            "migrate", "verify", str(real_store), "--to", server.url.replace("//", "//mover:n0pe@")
        )
    assert wrong.returncode == 1
    assert "uthorization" in wrong.stderr
    assert "n0pe" not in wrong.stderr


def test_a_difference_ends_with_exit_code_5(
    real_store: Path, jetstream: JetStreamServer, tmp_path: Path
) -> None:
    done = Cli(tmp_path).run("migrate", "verify", str(real_store), "--to", jetstream.url)
    assert done.returncode == 5
    assert "stream-missing" in done.stdout


def test_a_server_that_is_not_there_is_one_line(real_store: Path, tmp_path: Path) -> None:
    done = Cli(tmp_path).run("migrate", "verify", str(real_store), "--to", "nats://127.0.0.1:1")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("error: cannot connect to nats://127.0.0.1:1: connection refused; ")
