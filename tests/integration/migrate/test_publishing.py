"""Filling servers that restore no packs, by publishing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nats
import pytest

from stanlocal.errors import JetStreamError
from stanlocal.migrate.archive.reading import read_archive
from stanlocal.migrate.inventory import take_inventory
from stanlocal.migrate.jetstream.connection import JetStream, connected
from stanlocal.migrate.jetstream.publishing import fill_by_publishing
from stanlocal.migrate.jetstream.pulling import Puller
from stanlocal.migrate.load import load
from stanlocal.migrate.pack import pack
from stanlocal.migrate.pack_folder import PackFolder, read_pack
from stanlocal.migrate.plan import MigrationPlan, make_plan
from stanlocal.migrate.published import EXPECTED, MARK, PART, TIMESTAMP, WHOLE
from stanlocal.migrate.verify import Verification, verify
from stanlocal.store.format.slices import summarize
from stanlocal.store.verify.limits import Limits, kept
from tests.support.jetstream import JetStreamServer, build_jetstream, running_jetstream
from tests.support.stores import make_store, slice_of, subscription, update

pytestmark = pytest.mark.server


def _packed(store: Path, folder: Path) -> tuple[MigrationPlan, PackFolder]:
    plan = make_plan(take_inventory(store), limits_known=False)
    pack(plan, folder)
    return plan, read_pack(folder)


@pytest.fixture
def gaps(tmp_path: Path) -> Path:
    """A store that begins at 101, with a gap, and a durable with unacknowledged messages around it."""
    slices = [slice_of([b"a%d" % n for n in range(50)], 101), slice_of([b"b%d" % n for n in range(20)], 160)]
    subs = [(1, subscription(1, "dur"))]
    subs += [(5, update(1, sequence)) for sequence in (*range(101, 151), *range(160, 171))]
    subs += [(4, update(1, sequence)) for sequence in (*range(101, 150), *range(161, 170))]
    return make_store(tmp_path / "store", slices, subs=subs)


async def _publish(packed: PackFolder, server: JetStream) -> None:
    for stream in packed.streams:
        config = {**stream.config, "metadata": {**stream.config["metadata"], MARK: PART}}
        await fill_by_publishing(stream, config, server, lambda count: None)


def _counts(verdict: Verification) -> dict[str, dict[str, int]]:
    return {each["stream"]: each["counts"] for each in verdict.document()["streams"] if each["counts"]}


async def test_sequences_gaps_and_positions_stay(
    gaps: Path, jetstream: JetStreamServer, tmp_path: Path
) -> None:
    plan, packed = _packed(gaps, tmp_path / "pack")
    async with connected(jetstream.url) as server:
        await _publish(packed, server)
        verdict = await verify(plan, server)
        info = await server.stream("orders") or {}
    assert (_counts(verdict), verdict.streams[0].published, verdict.streams[0].equal) == ({}, True, 70)
    assert (info["state"]["first_seq"], info["state"]["num_deleted"]) == (101, 9)


async def test_a_real_store_is_published_and_a_second_run_adds_nothing(
    real_store: Path, jetstream: JetStreamServer, tmp_path: Path
) -> None:
    plan, packed = _packed(real_store, tmp_path / "pack")
    async with connected(jetstream.url) as server:
        await _publish(packed, server)
        await _publish(packed, server)
        verdict = await verify(plan, server)
    assert (_counts(verdict), verdict.document()["messages"]) == ({}, 4_303)


async def test_a_run_that_was_ended_half_way_is_taken_up_again(
    gaps: Path, jetstream: JetStreamServer, tmp_path: Path
) -> None:
    plan, packed = _packed(gaps, tmp_path / "pack")
    [stream] = packed.streams
    config = {**stream.config, "metadata": {**stream.config["metadata"], MARK: PART}}
    async with connected(jetstream.url) as server:
        await server.ask("STREAM.CREATE.orders", {**config, "first_seq": 101})
        for number in range(30):
            await server.send("orders", b"a%d" % number)
        half = (await server.stream("orders") or {})["state"]["last_seq"]
        await fill_by_publishing(stream, config, server, lambda count: None)
        verdict = await verify(plan, server)
    assert half == 130
    assert _counts(verdict) == {"orders": {"headers": 30}}  # those of the test have none; nothing is twice


async def test_what_keeps_a_gap_open_is_deleted_by_the_next_run_if_the_first_was_ended_before(
    gaps: Path, jetstream: JetStreamServer, tmp_path: Path
) -> None:
    """Everything is published, and nothing of it deleted or consumed; its number alone says nothing."""
    plan, packed = _packed(gaps, tmp_path / "pack")
    [stream] = packed.streams
    config = {**stream.config, "metadata": {**stream.config["metadata"], MARK: PART}}
    messages = {each.sequence: each for each in read_archive(stream.data) if each.sequence}
    client = await nats.connect(jetstream.url)
    async with connected(jetstream.url) as server:
        await server.ask("STREAM.CREATE.orders", {**config, "first_seq": 101})
        for sequence in range(101, 180):
            there = messages.get(sequence)
            time, data = (there.time, there.data) if there else (0, b"")
            headers = {EXPECTED: str(sequence - 1), TIMESTAMP: str(time)}
            await client.jetstream().publish("orders", data, headers=headers)
        await _publish(packed, server)
        assert _counts(await verify(plan, server)) == {}
        found = (await server.consumer("orders", "client_dur") or {})["config"]
        patient = {"stream_name": "orders", "config": {**found, "ack_wait": 3600 * 10**9}}
        await server.ask("CONSUMER.CREATE.orders.client_dur", patient)
        await _publish(packed, server)
        verdict = await verify(plan, server)
    await client.close()
    assert _counts(verdict) == {}


async def test_acknowledgements_that_a_killed_server_forgot_are_made_again(
    gaps: Path, jetstream: JetStreamServer, tmp_path: Path
) -> None:
    """The consumer is at its beginning, as one whose state was not written; one that went on stays."""
    plan, packed = _packed(gaps, tmp_path / "pack")
    [stream] = packed.streams
    [name] = stream.consumers
    async with connected(jetstream.url) as server:
        await _publish(packed, server)
        config = (await server.consumer("orders", name) or {})["config"]
        await server.ask(f"CONSUMER.DELETE.orders.{name}")
        await server.ask(f"CONSUMER.CREATE.orders.{name}", {"stream_name": "orders", "config": config})
        assert _counts(await verify(plan, server)) != {}
        await load(packed, server)
        assert _counts(await verify(plan, server)) == {}
        async with Puller(server, "orders", name) as puller:
            assert await puller.pull(3, 5) == [171, 172, 173]
        await load(packed, server)
        consumer = await server.consumer("orders", name) or {}
    assert consumer["delivered"]["stream_seq"] == 173


async def test_deletions_that_a_killed_server_forgot_are_made_again(
    gaps: Path, jetstream: JetStreamServer, tmp_path: Path
) -> None:
    """And nothing else is touched: programs may have moved the consumers since."""
    _, packed = _packed(gaps, tmp_path / "pack")
    [stream] = packed.streams
    config = {**stream.config, "metadata": {**stream.config["metadata"], MARK: WHOLE}}
    async with connected(jetstream.url) as server:
        await server.ask("STREAM.CREATE.orders", {**config, "first_seq": 101})
        for _ in range(101, 180):
            await server.send("orders", b"")
        [name] = stream.consumers
        moved = {"name": name, "durable_name": name, "ack_policy": "explicit"}
        await server.ask(f"CONSUMER.CREATE.orders.{name}", {"stream_name": "orders", "config": moved})
        done = await load(packed, server)
        state = (await server.stream("orders") or {})["state"]
        consumer = await server.consumer("orders", name) or {}
    assert [each["result"] for each in done.streams] == ["there already"]
    assert (state["messages"], state["num_deleted"]) == (70, 9)
    assert consumer["delivered"]["stream_seq"] == 100


async def _loaded_whole(store: Path, limits: dict[str, int], url: str, folder: Path) -> dict[str, Any]:
    """Fill a stream from a store under limits that leave out no message; return its configuration."""
    plan = make_plan(take_inventory(store, limits))
    pack(plan, folder)
    assert plan.streams[0].channel.beyond_limits == 0
    async with connected(url) as server:
        await _publish(read_pack(folder), server)
        verdict = await verify(plan, server)
        info = await server.stream("orders") or {}
    assert _counts(verdict) == {}
    assert verdict.streams[0].equal == plan.streams[0].channel.messages
    return dict(info["config"])


@pytest.mark.parametrize("size", [20, 128, 1000])
async def test_a_channel_that_is_full_by_bytes_loses_nothing(
    size: int, jetstream: JetStreamServer, tmp_path: Path
) -> None:
    store = make_store(tmp_path / "store", [slice_of([b"x" * size] * 3_000)])
    [channel] = take_inventory(store).channels
    served = kept(store, [(each, summarize(store, each)) for each in channel.slices], Limits(1 << 40), 0)
    assert served is not None
    full = served.bytes
    config = await _loaded_whole(store, {"max_bytes": full}, jetstream.url, tmp_path / "pack")
    assert (config["max_msgs"], config["max_bytes"] - full) == (-1, 3_000 * 98)


async def test_a_channel_with_gaps_that_is_full_by_number_loses_nothing(
    gaps: Path, jetstream: JetStreamServer, tmp_path: Path
) -> None:
    limits = {"max_msgs": 70, "max_age": 10**18}
    config = await _loaded_whole(gaps, limits, jetstream.url, tmp_path / "pack")
    assert (config["max_msgs"], config["max_bytes"], config["max_age"]) == (70, -1, 10**18)


async def test_a_stream_that_lost_messages_before_the_last_run_is_an_error(
    gaps: Path, jetstream: JetStreamServer, tmp_path: Path
) -> None:
    _, packed = _packed(gaps, tmp_path / "pack")
    [stream] = packed.streams
    config = {**stream.config, "metadata": {**stream.config["metadata"], MARK: PART}}
    async with connected(jetstream.url) as server:
        await server.ask("STREAM.CREATE.orders", {**config, "first_seq": 101, "max_msgs": 5})
        for number in range(30):
            await server.send("orders", b"a%d" % number)
        with pytest.raises(JetStreamError, match="stream orders has 45 messages, and the pack 70"):
            await _publish(packed, server)
        info = await server.stream("orders") or {}
    assert info["config"]["metadata"][MARK] == PART


async def test_a_gap_that_would_take_too_long_is_refused(jetstream: JetStreamServer, tmp_path: Path) -> None:
    store = make_store(tmp_path / "store", [slice_of([b"a"], 1), slice_of([b"b"], 1_000_000)])
    _, packed = _packed(store, tmp_path / "pack")
    async with connected(jetstream.url) as server:
        with pytest.raises(JetStreamError, match="a gap of 999998 messages"):
            await _publish(packed, server)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["2.10.29", "2.12.15"])
async def test_servers_before_2_15_are_filled_once_the_loss_is_accepted(
    real_store: Path, version: str, tmp_path: Path
) -> None:
    plan, packed = _packed(real_store, tmp_path / "pack")
    binary = await build_jetstream(version)
    with running_jetstream(binary, tmp_path / "js") as running:
        async with connected(running.url) as server:
            with pytest.raises(JetStreamError, match=f"runs nats-server {version}, .* '--accept-loss'"):
                await load(packed, server)
            assert await server.stream("orders") is None
            await load(packed, server, accept_loss=True)
            again = await load(packed, server, accept_loss=True)
            verdict = await verify(plan, server)
    assert {each["result"] for each in again.streams} == {"there already"}
    assert _counts(verdict) == {}
    assert all(stream.published for stream in verdict.streams)
