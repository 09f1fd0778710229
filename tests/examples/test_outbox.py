"""An outbox keeps its promise while the active node is killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stanlocal import DeliverAll, FTGroup, Recorder, assert_no_loss
from stanlocal.stan import Client
from tests.examples.outbox import Outbox

pytestmark = pytest.mark.docker

ORDERS = [b"order %d" % number for number in range(20)]


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    outbox = Outbox(tmp_path / "outbox.db")
    yield outbox
    outbox.close()


async def test_orders_reach_others_in_order(outbox: Outbox, stan_client: Client, stan_channel: str) -> None:
    recorder = Recorder()
    await stan_client.subscribe(stan_channel, recorder, start=DeliverAll())
    for order in ORDERS:
        outbox.place_order(order)
    assert await outbox.relay(stan_client, stan_channel) == len(ORDERS)
    assert await recorder.wait(len(ORDERS)) == ORDERS


async def test_no_order_is_lost_in_a_failover(
    outbox: Outbox, stan_group: FTGroup, stan_client: Client, stan_channel: str
) -> None:
    recorder = Recorder()
    await stan_client.subscribe(stan_channel, recorder, start=DeliverAll())
    for order in ORDERS:
        outbox.place_order(order)
    async with stan_group.during_failover():
        await outbox.relay(stan_client, stan_channel)
    assert_no_loss(ORDERS, await recorder.wait(len(ORDERS)))
    assert await outbox.relay(stan_client, stan_channel) == 0, "the outbox is empty"
