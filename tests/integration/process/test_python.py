"""Python code of users on real servers: each sentence of the contract about it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import nats
import pytest

import stanlocal
from stanlocal import stan, sync
from tests.support.processes import processes_of

pytestmark = pytest.mark.server


@pytest.fixture(autouse=True)
def _environment(home: Path, server_binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    monkeypatch.setenv("STANLOCAL_ENGINE", "process")
    monkeypatch.setenv("STANLOCAL_SERVER_BINARY", str(server_binary))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
async def group() -> AsyncIterator[stanlocal.FTGroup]:
    async with stanlocal.FTGroup(nodes=2) as group:
        yield group


async def test_publish_subscribe_and_fail_over(group: stanlocal.FTGroup) -> None:
    async with group.connect("orders-test") as client:
        await client.publish("orders", b"1")
        fault = await group.kill("@active")
        failover = await fault.failover(timeout=10)
        await client.publish("orders", b"2")
        assert isinstance(failover, stanlocal.Failover)
        assert await group.wait_active(timeout=10) == failover.to_node
        subscription = await client.subscribe("orders", start=stanlocal.DeliverAll(), durable_name="d")
        received = []
        async for message in subscription:
            received.append((message.data, message.sequence, message.redelivered))
            assert message.timestamp > 10**18
            if len(received) == 2:
                break
        assert received == [(b"1", 1, False), (b"2", 2, False)]
    kinds = set()
    async for event in group.events():
        assert isinstance(event, stanlocal.Event)
        kinds.add(event.type)
        if {"fault", "failover"} <= kinds:
            break


async def test_any_public_fault_is_injected(group: stanlocal.FTGroup) -> None:
    fault = await group.inject(stanlocal.Pause(), "@standby")
    assert isinstance(fault, stanlocal.InjectedFault)
    assert isinstance(await group.wait_state(stanlocal.GroupState.DEGRADED), stanlocal.GroupStatus)
    await fault.heal()


async def test_a_client_without_an_id_has_a_fresh_one(group: stanlocal.FTGroup) -> None:
    async with group.connect() as one, group.connect() as other:
        assert one.client_id != other.client_id
        await one.publish("orders", b"1")


async def test_a_wait_that_runs_out_is_ours_and_a_timeout(group: stanlocal.FTGroup) -> None:
    with pytest.raises(TimeoutError) as state:
        await group.wait_state("down", timeout=0.05)
    with pytest.raises(TimeoutError) as failover:
        await group.wait_failover(timeout=0.05)
    async with group.connect(retry=False, request_timeout=0.2, ack_timeout=0.2) as client:
        await group.pause("@active")
        with pytest.raises(TimeoutError) as publish:
            await client.publish("orders", b"1")
        await group.heal()
    for raised in (state, failover, publish):
        assert isinstance(raised.value, stanlocal.StanlocalError)


async def test_attach_takes_over_a_group_that_runs_and_close_leaves_it(home: Path) -> None:
    async with stanlocal.FTGroup(group="kept", purge=True):
        attached = stanlocal.attach("kept")
        assert (await attached.document())["state"] == "healthy"
        await attached.close()
        async with stanlocal.attach("kept") as again:
            await again.kill("@active")
        assert (await attached.document())["state"] == "healthy"
        await attached.close()
    assert processes_of(home) == set()


async def test_the_client_alone_takes_one_url_several_or_an_open_nats_client(
    group: stanlocal.FTGroup,
) -> None:
    document = await group.document()
    urls, cluster_id = document["client_urls"], document["cluster_id"]
    active = next(node["client_url"] for node in document["nodes"] if node["state"] == "active")
    for servers in (active, urls, ",".join(urls)):
        client = await stan.connect(servers, cluster_id=cluster_id, client_id="me")
        assert await (await client.publish_async("orders", b"2"))
        await client.close()
    connection = await nats.connect(active)
    client = await stan.connect(nats=connection, cluster_id=cluster_id, client_id="me")
    subscription = await client.subscribe("orders", start=stan.StartSequence(3), manual_ack=True)
    message = await anext(subscription)
    await message.ack()
    assert message.sequence == 3
    await subscription.close()
    await client.close()
    assert connection.is_connected
    await connection.close()


def test_the_same_without_async(home: Path) -> None:
    with sync.FTGroup(nodes=2) as group, group.connect() as client:
        client.publish("orders", b"1")
        failover = group.kill("@active").failover(timeout=10)
        assert isinstance(failover, sync.Failover)
        with client.subscribe("orders", start=sync.DeliverAll()) as messages:
            assert next(messages).data == b"1"
    assert processes_of(home) == set()
