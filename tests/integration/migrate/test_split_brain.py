"""A store to which two active servers appended: nothing of either is lost on the way to JetStream."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

import nats
import pytest

from stanlocal import stan
from stanlocal.store.layout import lock_file
from tests.support.cli import Cli
from tests.support.jetstream import JetStreamServer
from tests.support.server import READY, StreamingServer, running

pytestmark = pytest.mark.server


async def _publish(server: StreamingServer, *messages: bytes) -> None:
    url = f"nats://127.0.0.1:{server.client_port}"
    async with stan.connect(url, cluster_id="test-cluster", client_id="publisher") as client:
        for message in messages:
            await client.publish("orders", message)


async def _consume(server: StreamingServer, count: int) -> None:
    url = f"nats://127.0.0.1:{server.client_port}"
    async with stan.connect(url, cluster_id="test-cluster", client_id="app") as client:
        subscription = await client.subscribe(
            "orders", start=stan.DeliverAll(), durable_name="dur", manual_ack=True
        )
        for _ in range(count):
            await (await anext(aiter(subscription))).ack()
        await subscription.close()


def _named(name: str, first: int, last: int) -> list[bytes]:
    return [b"%s %d" % (name.encode(), number) for number in range(first, last + 1)]


@pytest.fixture(scope="module")
def split_store(server_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first server loses its lock, a second one becomes active, and both go on until they are killed."""
    store = tmp_path_factory.mktemp("split") / "store"
    with running(server_binary, store) as first:
        first.wait_for(READY)
        asyncio.run(_publish(first, *_named("both", 1, 20)))
        asyncio.run(_consume(first, 10))
        with running(server_binary, store) as second:
            second.wait_for("Starting in standby mode")
            lock_file(store).unlink()
            second.wait_for(READY)
            for number in (21, 22, 23):  # in turns, so that both stand at one sequence
                asyncio.run(_publish(first, *_named("first", number, number)))
                asyncio.run(_publish(second, *_named("second", number, number)))
            asyncio.run(_publish(first, *_named("first", 24, 30)))
            asyncio.run(_consume(first, 15))
            asyncio.run(_publish(second, *_named("second", 24, 25)))
            asyncio.run(_publish(first, *_named("first", 31, 40)))
            asyncio.run(_publish(second, *_named("second", 26, 28)))
    return store


async def _delivered(url: str, stream: str) -> list[tuple[int, bytes]]:
    """Everything that a new consumer of a stream gets."""
    client = await nats.connect(url)
    try:
        stream_context = client.jetstream()
        subscription = await stream_context.pull_subscribe("", durable="reader", stream=stream)
        state = (await stream_context.stream_info(stream)).state
        found = await subscription.fetch(state.messages, timeout=10)
        return [(message.metadata.sequence.stream, message.data) for message in found]
    finally:
        await client.close()


def _numbered(messages: Sequence[bytes], first: int) -> list[tuple[int, bytes]]:
    return list(enumerate(messages, first))


def test_both_branches_arrive_and_are_verified(
    split_store: Path, jetstream: JetStreamServer, tmp_path: Path
) -> None:
    cli = Cli(tmp_path)
    store = str(split_store)
    plan = cli.json("migrate", "plan", store)
    assert "split-brain" in [finding["kind"] for finding in plan["findings"]]
    refused = cli.run("migrate", "pack", store, "--out", "pack")
    assert refused.returncode == 2
    assert "two servers wrote into it at the same time, from sequence 21 on" in refused.stderr
    said = cli.ok("migrate", "pack", store, "--out", "pack", "--salvage")
    assert "kept  orders: sequences 1 to 28" in said
    assert "conflict  orders: sequences 21 to 40" in said
    loaded = cli.json("migrate", "load", "pack", "--to", jetstream.url, "--verify")
    assert loaded["verification"]["ok"] is True
    assert loaded["verification"]["messages"] == 48
    kept = [*_named("both", 1, 20), *_named("second", 21, 28)]
    conflict = [*_named("first", 21, 30), *_named("first", 31, 40)]
    assert asyncio.run(_delivered(jetstream.url, "orders")) == _numbered(kept, 1)
    assert asyncio.run(_delivered(jetstream.url, "orders_conflict")) == _numbered(conflict, 21)


def test_a_server_that_started_on_it_again_changes_nothing_of_that(
    split_store: Path, server_binary: Path, tmp_path: Path
) -> None:
    """It counts on behind the last record, in the branch that is kept."""
    store = tmp_path / "store"
    shutil.copytree(split_store, store, ignore=shutil.ignore_patterns(lock_file(split_store).name))
    with running(server_binary, store) as server:
        server.wait_for(READY)
        asyncio.run(_publish(server, b"later"))
    [kept, conflict] = Cli(tmp_path).json("migrate", "plan", str(store))["streams"]
    assert (kept["first_seq"], kept["last_seq"], kept["messages"]) == (1, 29, 29)
    assert (conflict["first_seq"], conflict["last_seq"], conflict["messages"]) == (21, 40, 20)
    assert kept["consumers"][0]["delivered"] == 20
