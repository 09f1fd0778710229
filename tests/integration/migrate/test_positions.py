"""Positions that go from a durable to a consumer and back, with what is unacknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from stanlocal import stan
from stanlocal.errors import JetStreamError
from stanlocal.migrate.inventory import take_inventory
from stanlocal.migrate.jetstream.connection import connected
from stanlocal.migrate.jetstream.pulling import Puller
from stanlocal.migrate.plan import MigrationPlan, make_plan
from stanlocal.migrate.positions import Position, move_to_consumers, move_to_durable, position_of
from stanlocal.migrate.relay.relay import Relay, stan_source
from tests.support.cli import Cli
from tests.support.jetstream import JetStreamServer
from tests.support.server import StreamingServer, running

pytestmark = pytest.mark.server

_UNACKED = (3, 7)
_DELIVERED, _MORE = 10, 5


@pytest.fixture
def streaming(server_binary: Path, tmp_path: Path) -> Iterator[StreamingServer]:
    with running(server_binary, tmp_path / "store") as server:
        server.wait_for("Streaming Server is ready")
        yield server


def _url(server: StreamingServer) -> str:
    return f"nats://127.0.0.1:{server.client_port}"


async def _take(server: StreamingServer, count: int, leave: tuple[int, ...]) -> list[int]:
    """Take messages as the durable `app/dur`, acknowledge all but some, and return all sequences."""
    async with stan.connect(_url(server), cluster_id="test-cluster", client_id="app") as client:
        subscription = await client.subscribe(
            "orders", start=stan.DeliverAll(), durable_name="dur", manual_ack=True, max_inflight=count
        )
        found: list[int] = []
        async with asyncio.timeout(30):
            async for message in subscription:
                found.append(message.sequence)
                if message.sequence not in leave:
                    await message.ack()
                if len(found) == count:
                    break
        await subscription.close()
    return found


async def test_a_position_goes_there_and_back_exactly(
    streaming: StreamingServer, jetstream: JetStreamServer, tmp_path: Path
) -> None:
    """Unacknowledged messages come first on both sides, and no acknowledged one comes again."""

    def planned() -> MigrationPlan:
        return make_plan(take_inventory(tmp_path / "store"), limits_known=False)

    async with stan.connect(_url(streaming), cluster_id="test-cluster", client_id="publisher") as client:
        await client.publish_batch("orders", [b"%d" % number for number in range(_DELIVERED)])
        await _take(streaming, _DELIVERED, _UNACKED)
        await client.publish_batch("orders", [b"more %d" % number for number in range(_MORE)])
        [orders] = planned().streams
        endpoint = {"servers": _url(streaming), "cluster_id": "test-cluster"}
        relay = Relay(stan_source(endpoint, "relay"), jetstream.url, channels=("orders",))
        async with connected(jetstream.url) as server:
            with pytest.raises(JetStreamError, match="no stream orders; load the pack first"):
                await move_to_consumers(orders, server)
            await relay.run(once=True)
            command = ("migrate", "positions", str(tmp_path / "store"), "--to", jetstream.url)
            [moved] = (await asyncio.to_thread(Cli(tmp_path).json, *command))["consumers"]
            assert [moved[key] for key in ("ack_floor", "delivered", "pending_count")] == [2, _DELIVERED, 2]
            assert await position_of(server, "orders", "app_dur") == Position(_DELIVERED, frozenset(_UNACKED))
            async with Puller(server, "orders", "app_dur") as puller:
                assert await puller.pull(2, 5) == list(_UNACKED)  # at once, not after the ack wait
                assert await puller.pull(3, 5, keep=lambda sequence: sequence == 12) == [11, 12, 13]
            there = Position(13, frozenset({12}))
            async with asyncio.timeout(30):
                while await position_of(server, "orders", "app_dur") != there:  # noqa: ASYNC110 - no event
                    await asyncio.sleep(0.02)  # acknowledgements are on their way
            [orders] = [stream for stream in planned().streams if stream.name == "orders"]
            [durable] = [each.durable for each in orders.consumers if each.name == "app_dur"]
            async with stan.connect(_url(streaming), cluster_id="test-cluster", client_id="app") as app:
                assert await move_to_durable(app, "orders", durable, there)
                [orders] = [stream for stream in planned().streams if stream.name == "orders"]
                [durable] = [each.durable for each in orders.consumers if each.name == "app_dur"]
                assert not await move_to_durable(app, "orders", durable, there)
            late = orders.channel.last_sequence + 1
            ahead = [type(each)(each.name, each.durable, late, (), late) for each in orders.consumers]
            with pytest.raises(
                JetStreamError, match=f"ends at 15, and .* up to {late}; relay the channel first"
            ):
                await move_to_consumers(type(orders)(orders.name, orders.channel, tuple(ahead)), server)
    assert sorted(await _take(streaming, 3, ())) == [12, 14, 15]
