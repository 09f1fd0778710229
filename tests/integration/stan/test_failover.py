"""The active dies, is cut off, or freezes, under load."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from stanlocal import stan
from stanlocal.stan import errors
from tests.integration.stan.conftest import Connect
from tests.integration.stan.ft_processes import Group
from tests.integration.stan.helpers import Inbox, eventually, fill
from tests.integration.stan.load import Ledger, Load
from tests.integration.stan.proxy import Proxy

pytestmark = [pytest.mark.server, pytest.mark.timeout(300)]


@pytest.fixture
async def pair(make_group: Callable[..., Group]) -> Group:
    """An FT pair to be broken."""
    group = make_group()
    await asyncio.to_thread(group.start)
    return group


async def kill_under_load(
    group: Group, connect: Connect, kills: int
) -> tuple[Ledger, list[float], list[float]]:
    """Kill the active that often; what was seen, and the outages of client and server in seconds."""
    publisher = await connect(group.urls, retry=True)
    subscriber = await connect(group.urls, retry=True)
    ledger = Ledger()
    await subscriber.subscribe("load", ledger.deliver, durable_name="d", start=stan.DeliverAll(), ack_wait=1)
    one, many = Load(publisher, "load", ledger), Load(subscriber, "load", ledger)
    many._number = 10_000_000  # numbers of its own
    running = [asyncio.ensure_future(one.synchronous()), asyncio.ensure_future(many.asynchronous(0.002))]
    outages: list[float] = []
    servers: list[float] = []
    await ledger.first_ack_after(0)
    for _ in range(kills):
        _, killed = await asyncio.to_thread(group.kill_active)
        ready = await asyncio.to_thread(group.wait_ready)
        settled = await ledger.first_ack_after(max(ready, killed + 0.02))
        first = await ledger.first_ack_after(killed + 0.02)
        servers.append(ready - killed)
        outages.append(min(first, settled) - killed)
        await asyncio.to_thread(group.restore)
    one.stop()
    many.stop()
    await asyncio.gather(*running)
    await ledger.until_delivered(15)
    return ledger, outages, servers


def report(ledger: Ledger, outages: list[float], servers: list[float]) -> str:
    """The results, in one line."""
    return (
        f"{len(outages)} kills: {len(ledger.acked)} acknowledged, {len(ledger.missing)} missing, "
        f"{len(ledger.failed)} failed, {ledger.duplicates} duplicates; outage median "
        f"{statistics.median(outages) * 1000:.0f} ms, "
        f"server's own {statistics.median(servers) * 1000:.0f} ms, "
        f"worst difference {max(a - b for a, b in zip(outages, servers, strict=True)) * 1000:.0f} ms"
    )


async def test_kills_under_load_lose_nothing(
    pair: Group, connect: Connect, record_property: Callable[[str, object], None]
) -> None:
    """Ten kills of the active: no publish fails, nothing acknowledged is missing; duplicates are counted."""
    ledger, outages, servers = await kill_under_load(pair, connect, 10)
    record_property("failover", line := report(ledger, outages, servers))
    print(line)  # noqa: T201 - shown with -s and on failure
    assert not ledger.failed
    assert not ledger.missing
    assert statistics.median(outages) <= statistics.median(servers) + 0.1, line


@pytest.mark.slow
async def test_outage_is_the_servers_own_time(
    pair: Group, connect: Connect, record_property: Callable[[str, object], None]
) -> None:
    """Over twenty kills the client's outage is at most the server's own plus 50 ms in the median."""
    ledger, outages, servers = await kill_under_load(pair, connect, 20)
    record_property("failover", line := report(ledger, outages, servers))
    print(line)  # noqa: T201 - shown with -s and on failure
    assert not ledger.failed
    assert not ledger.missing
    assert statistics.median(outages) <= statistics.median(servers) + 0.05, line


async def test_subscription_goes_on_without_being_made_again(pair: Group, connect: Connect) -> None:
    """After a failover a plain subscription of an untouched client gets what is published then."""
    subscriber, publisher = await connect(pair.urls), await connect(pair.urls, retry=True)
    inbox = Inbox()
    await subscriber.subscribe("foo", inbox)
    await publisher.publish("foo", b"before")
    await inbox.wait(1)
    await asyncio.to_thread(pair.kill_active)
    await publisher.publish("foo", b"after")
    await inbox.until(lambda: b"after" in inbox.payloads)


async def test_subscribe_and_connect_wait_for_the_new_active(pair: Group, connect: Connect) -> None:
    """With `retry`, subscribing and connecting in the middle of a failover succeed when it is over."""
    client = await connect(pair.urls, retry=True)
    await asyncio.to_thread(pair.kill_active)
    subscription, other = await asyncio.gather(client.subscribe("foo"), connect(pair.urls, retry=True))
    await other.publish("foo", b"x")
    assert (await anext(subscription)).data == b"x"


async def test_without_retry_a_failover_fails_fast(pair: Group, connect: Connect) -> None:
    """Without `retry`, publishes during the outage fail within a fraction of a second; later ones succeed."""
    client = await connect(list(reversed(pair.urls)))  # through the standby: its connection stays
    await client.publish("foo", b"x")
    await asyncio.to_thread(pair.kill_active)
    for _ in range(2):
        begin = asyncio.get_running_loop().time()
        with pytest.raises((errors.NoActiveServer, errors.ConnectionInterrupted)):
            await client.publish("foo", b"x")
        assert asyncio.get_running_loop().time() - begin < 0.5
    await asyncio.to_thread(pair.wait_ready)

    async def published() -> bool:
        with suppress(
            errors.NoActiveServer, errors.ConnectionInterrupted
        ):  # it has yet to find the new active
            await client.publish("foo", b"x")
            return True
        return False

    async with asyncio.timeout(5):
        while not await published():
            pass


async def test_full_window_through_a_failover(pair: Group, connect: Connect) -> None:
    """A full window of asynchronous publishes survives the kill: all are acknowledged, in the end."""
    client = await connect(pair.urls, retry=True, max_pub_acks_inflight=256)
    await client.publish("foo", b"first")
    acks = [await client.publish_async("foo", b"%d" % number) for number in range(256)]
    await asyncio.to_thread(pair.kill_active)
    acks += [await client.publish_async("foo", b"%d" % number) for number in range(256, 1024)]
    assert len(set(await asyncio.gather(*acks))) == 1024
    inbox = Inbox()
    await client.subscribe("foo", inbox, start=stan.DeliverAll())
    await inbox.until(lambda: {b"%d" % number for number in range(1024)} <= set(inbox.payloads))


async def test_deadline_passes_when_no_standby_takes_over(
    make_group: Callable[..., Group], connect: Connect
) -> None:
    """With no server left, a publish fails when its time is up, and says that no server is active."""
    group = make_group(nodes=1, ft=False)
    await asyncio.to_thread(group.start)
    client = await connect(group.urls, retry=True, request_timeout=1)
    await asyncio.to_thread(group.nodes[0].kill)
    begin = asyncio.get_running_loop().time()
    with pytest.raises(errors.PublishTimeout, match=r"within 1 s \(no active server\)"):
        await client.publish("foo", b"x", timeout=1)
    assert 0.95 < asyncio.get_running_loop().time() - begin < 1.3
    with pytest.raises(errors.StanError):
        await client.close()


@pytest.fixture
async def cut_off(tmp_path: Path, server_binary: Path) -> AsyncIterator[tuple[Group, Proxy]]:
    """A pair whose only route leads through a proxy: the first node is active, the second can be cut off."""
    group = Group(tmp_path / "cut", explicit_routes=False)
    async with Proxy(group.route_ports[0]) as route:
        group.set_routes(1, [route.port])
        try:
            await asyncio.to_thread(group.start)
            yield group, route
        finally:
            group.stop()


async def test_connect_passes_over_a_cut_off_standby(cut_off: tuple[Group, Proxy], connect: Connect) -> None:
    """A standby that is cut off accepts connections; connecting goes on to one that reaches the active."""
    group, route = cut_off
    await route.cut()
    for retry in (False, True):
        client = await connect(list(reversed(group.urls)), retry=retry)
        assert client.connected_url == group.urls[0]
        await client.publish("foo", b"x")


async def test_client_leaves_a_standby_that_gets_cut_off(
    cut_off: tuple[Group, Proxy], connect: Connect
) -> None:
    """When its server loses the active, a client moves to one that reaches it, subscriptions and all."""
    group, route = cut_off
    client = await connect(list(reversed(group.urls)), retry=True)
    assert client.connected_url == group.urls[1]
    inbox = Inbox()
    await client.subscribe("foo", inbox)
    await client.publish("foo", b"before")
    await inbox.wait(1)
    await route.cut()
    begin = asyncio.get_running_loop().time()
    await client.publish("foo", b"after")
    assert asyncio.get_running_loop().time() - begin < 2
    assert client.connected_url == group.urls[0]
    await inbox.until(lambda: b"after" in inbox.payloads)


async def test_idle_subscriber_leaves_a_standby_that_gets_cut_off(
    cut_off: tuple[Group, Proxy], connect: Connect
) -> None:
    """A client that only listens notices by its pings, and moves too."""
    group, route = cut_off
    subscriber = await connect(list(reversed(group.urls)), ping_interval=1)
    publisher = await connect(group.urls)
    inbox = Inbox()
    await subscriber.subscribe("foo", inbox)
    await route.cut()
    await eventually(lambda: subscriber.connected_url == group.urls[0])
    await publisher.publish("foo", b"x")
    await inbox.wait(1)


async def test_client_leaves_a_frozen_standby(pair: Group, connect: Connect) -> None:
    """When its server freezes, a client moves to the active instead of waiting for it."""
    client = await connect(list(reversed(pair.urls)), retry=True)
    await client.publish("foo", b"x")
    standby = pair.standbys[0]
    assert client.connected_url == standby.url
    standby.pause()
    begin = asyncio.get_running_loop().time()
    await client.publish("foo", b"y")
    assert asyncio.get_running_loop().time() - begin < 5
    assert client.connected_url == pair.active.url


async def test_frozen_active_is_waited_out(pair: Group, connect: Connect) -> None:
    """While the active is frozen no standby takes over: publishing waits, and goes on after the thaw."""
    client = await connect(list(reversed(pair.urls)), retry=True)
    await client.publish("foo", b"x")
    active = pair.active
    active.pause()
    publishing = asyncio.ensure_future(client.publish("foo", b"y"))
    await asyncio.sleep(0.7)  # longer than a ping may take: the client is in doubt
    assert not publishing.done()
    active.unpause()
    await publishing


async def test_restart_of_a_single_server(make_group: Callable[..., Group], connect: Connect) -> None:
    """A server that is killed and started again on its data: publishing goes on, subscriptions too."""
    group = make_group(nodes=1, ft=False)
    await asyncio.to_thread(group.start)
    client = await connect(group.urls, retry=True)
    inbox = Inbox()
    await client.subscribe("foo", inbox)
    await fill(client, "foo", 3)
    await inbox.wait(3)
    await asyncio.to_thread(group.nodes[0].kill)
    publishing = asyncio.ensure_future(client.publish("foo", b"during"))
    await asyncio.to_thread(group.start)
    await publishing
    await inbox.until(lambda: b"during" in inbox.payloads)
