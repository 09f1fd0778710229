"""The relay on real servers: nothing is missing and nothing twice, whatever is killed."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import cycle, islice
from pathlib import Path

import nats
import pytest

from stanlocal import FTGroup, GroupState, stan
from stanlocal.errors import JetStreamError, RelayBlocked, StanError
from stanlocal.migrate.inventory import take_inventory
from stanlocal.migrate.jetstream.connection import connected
from stanlocal.migrate.plan import make_plan
from stanlocal.migrate.published import headers_of
from stanlocal.migrate.relay.relay import Relay, stan_source
from stanlocal.migrate.verify import verify
from stanlocal.store.local import local_store
from tests.support.cli import COMMAND, Cli
from tests.support.jetstream import JetStreamServer, running_jetstream
from tests.support.server import StreamingServer, running

pytestmark = pytest.mark.server

_PATIENCE_S = 60


@contextmanager
def _relaying(urls: str, to: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The command while it runs, once it has begun; killed at the end as by `kill -9`."""
    command = [*COMMAND, "migrate", "relay", "orders", "--url", urls, "--to", to, "--json", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


async def _begun(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    line = await asyncio.to_thread(process.stdout.readline)
    assert json.loads(line) == {"relaying": 1}, process.stderr.read() if process.stderr else ""


@asynccontextmanager
async def _publishing(client: stan.Client, count: list[int]) -> AsyncIterator[None]:
    """Publish numbered messages during the block, each until it is acknowledged."""
    stop = asyncio.Event()

    async def work() -> None:
        while not stop.is_set():
            count[0] += 1
            await client.publish_async("orders", b"%d" % count[0])
            await asyncio.sleep(0.001)
        await client.flush()

    task = asyncio.create_task(work())
    try:
        yield
    finally:
        stop.set()
        await task


async def _differences(store: Path, url: str) -> tuple[dict[str, int], int]:
    """The differences between the channel and its stream, and the number of equal messages."""
    found = take_inventory(store)
    plan = make_plan(found, limits_known=False)
    [orders] = [stream for stream in plan.streams if stream.subject == "orders"]
    alone = type(orders)(orders.name, orders.channel, ())
    async with connected(url) as server:
        verdict = await verify(type(plan)(found, (alone,), (), ()), server)
    return dict(verdict.document()["streams"][0]["counts"]), verdict.document()["messages"]


async def _reached(url: str, sequence: int) -> None:
    """Wait until the stream has a sequence."""
    async with asyncio.timeout(_PATIENCE_S), connected(url) as server:
        while (await server.stream("orders") or {})["state"]["last_seq"] < sequence:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.02)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
async def test_nothing_is_missing_or_twice_whatever_is_killed(
    kills: int, server_binary: Path, jetstream_binary: Path, tmp_path: Path
) -> None:
    """The relay, the active node and the JetStream server are killed in turn under load."""
    rng = random.Random(20)
    count, folder = [0], tmp_path / "js"
    async with FTGroup(engine="process", nodes=2, server_binary=server_binary) as group:
        plan = (await group.look()).plan
        urls = ",".join(plan.client_urls)
        async with group.connect("publisher", ack_timeout=_PATIENCE_S) as client, _publishing(client, count):
            port = None
            for what in islice(cycle(("relay", "jetstream", "active")), kills):
                with running_jetstream(jetstream_binary, folder, port) as server:
                    port = server.port
                    with _relaying(urls, server.url) as process:
                        await _begun(process)
                        await asyncio.sleep(rng.uniform(0.0, 0.4))
                        if what == "active":
                            await group.kill("@active")
                            await _reached(server.url, count[0])
                            await group.heal()
                            await group.wait_state(GroupState.HEALTHY)
                        elif what == "jetstream":
                            server.process.kill()
                            server.process.wait()
                            with running_jetstream(jetstream_binary, folder, port):
                                await _reached(server.url, count[0])
                        await asyncio.sleep(rng.uniform(0.0, 0.4))
        with running_jetstream(jetstream_binary, folder, port) as server:
            with _relaying(urls, server.url, "--once") as process:
                out, err = await asyncio.to_thread(process.communicate, timeout=_PATIENCE_S)
            assert process.returncode == 0, err
            counts, equal = await _differences(local_store(plan), server.url)
    document = json.loads(out.splitlines()[-1])["channels"][0]
    assert counts == {}
    assert equal >= count[0] > 100 * kills
    assert (document["behind"], document["lost"]) == (0, 0)


@asynccontextmanager
async def _client(server: StreamingServer) -> AsyncIterator[stan.Client]:
    url = f"nats://127.0.0.1:{server.client_port}"
    async with stan.connect(url, cluster_id="test-cluster", client_id="publisher") as client:
        yield client


def _relay(server: StreamingServer, to: JetStreamServer, *channels: str) -> Relay:
    endpoint = {"servers": f"nats://127.0.0.1:{server.client_port}", "cluster_id": "test-cluster"}
    return Relay(stan_source(endpoint, "relay"), to.url, channels=channels)


@pytest.fixture
def streaming(server_binary: Path, tmp_path: Path) -> Iterator[StreamingServer]:
    """A STAN server that keeps ten messages a channel."""
    with running(server_binary, tmp_path / "store", "-mm", "10") as server:
        server.wait_for("Streaming Server is ready")
        yield server


async def _publish(client: stan.Client, numbers: Sequence[int]) -> None:
    for number in numbers:
        await client.publish("orders", b"%d" % number)


async def test_messages_that_the_channel_dropped_meanwhile_leave_a_gap(
    streaming: StreamingServer, jetstream: JetStreamServer
) -> None:
    """Sequences stay equal, and what a killed relay wrote to keep the gap is deleted by the next one."""
    async with _client(streaming) as client:
        await _publish(client, range(1, 16))
        first = _relay(streaming, jetstream, "orders")
        await first.run(once=True)
        assert (first.progress[0].last, first.progress[0].relayed) == (15, 10)
        await _publish(client, range(16, 41))
        second = _relay(streaming, jetstream)  # the stream's metadata says whose it is
        await second.run(once=True)
        assert (second.progress[0].lost, second.progress[0].last) == (15, 40)
        await _publish(client, range(41, 61))
        assert await _state(jetstream) == (6, 40, 20)
    async with connected(jetstream.url) as server:
        headers = headers_of(41, 0)  # of a message that keeps the place of one that is gone
        server.adapter.write(b"HPUB orders %d %d\r\n%b\r\n" % (len(headers), len(headers), headers), 1)
        await server.adapter.client.flush()
    await _reached(jetstream.url, 41)
    await _relay(streaming, jetstream).run(once=True)
    assert await _state(jetstream) == (6, 60, 30)


async def _state(jetstream: JetStreamServer) -> tuple[int, ...]:
    async with connected(jetstream.url) as server:
        state = (await server.stream("orders") or {})["state"]
    return tuple(state[key] for key in ("first_seq", "last_seq", "messages"))


async def test_a_stream_that_was_lost_is_filled_again_though_the_durable_is_ahead(
    streaming: StreamingServer, jetstream: JetStreamServer
) -> None:
    async with _client(streaming) as client:
        await _publish(client, range(1, 8))
        await _relay(streaming, jetstream, "orders").run(once=True)
        async with connected(jetstream.url) as server:
            await server.delete_stream("orders")
        again = _relay(streaming, jetstream, "orders")
        await again.run(once=True)
    assert (again.progress[0].relayed, again.progress[0].restarts) == (7, 1)
    assert await _state(jetstream) == (1, 7, 7)


async def test_a_stream_that_something_else_publishes_to_is_left_as_it_is(
    streaming: StreamingServer, jetstream: JetStreamServer
) -> None:
    async with _client(streaming) as client:
        await _publish(client, range(1, 4))
        await _relay(streaming, jetstream, "orders").run(once=True)
        other = await nats.connect(jetstream.url)
        await other.jetstream().publish("orders", b"mine")
        await _publish(client, range(4, 7))
        for _ in range(2):
            with pytest.raises(RelayBlocked, match="another message at 4 than channel orders"):
                await _relay(streaming, jetstream).run(once=True)
        assert (await other.jetstream().stream_info("orders")).state.messages == 4
        await other.close()


async def test_what_keeps_a_relay_from_beginning_is_raised(
    streaming: StreamingServer, jetstream: JetStreamServer
) -> None:
    with pytest.raises(JetStreamError, match="no stream that was made of a channel"):
        await _relay(streaming, jetstream).run()
    working = _relay(streaming, jetstream, "orders")
    task = asyncio.create_task(working.run())
    await working.begun()
    with pytest.raises(StanError, match="relay"):  # a second one under the same client id
        await _relay(streaming, jetstream, "orders").run()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_metrics_say_how_far_it_is_and_each_server_has_its_login(
    server_binary: Path, jetstream_binary: Path, tmp_path: Path
) -> None:
    (tmp_path / "stan").write_text("st4n\n")
    (tmp_path / "js").write_text("j3t\n")
    options: tuple[str, ...] = ("--stan-user", "from", "--stan-password-file", str(tmp_path / "stan"))
    options += ("--user", "to", "--password-file", str(tmp_path / "js"), "--listen", "127.0.0.1:0")
    with (
        running(server_binary, tmp_path / "store", "--user", "from", "--pass", "st4n") as streaming,
        running_jetstream(
            jetstream_binary, tmp_path / "jetstream", options=("--user", "to", "--pass", "j3t")
        ) as jetstream,
    ):
        streaming.wait_for("Streaming Server is ready")
        url = f"nats://127.0.0.1:{streaming.client_port}"
        async with stan.connect(
            url, cluster_id="test-cluster", client_id="publisher", user="from", password="st4n"
        ) as client:
            await _publish(client, range(1, 6))
        with _relaying(url, jetstream.url, *options) as process:
            assert process.stderr is not None
            line = await asyncio.to_thread(process.stderr.readline)
            await _begun(process)
            text = ""
            async with asyncio.timeout(_PATIENCE_S):
                while 'stanlocal_relay_stream_sequence{channel="orders",stream="orders"} 5.0' not in text:
                    text = await asyncio.to_thread(_read, line.split()[-1])
            jetstream.process.kill()  # while nothing is relayed
            async with asyncio.timeout(_PATIENCE_S):
                while "stanlocal_relay_up 0.0" not in await asyncio.to_thread(_read, line.split()[-1]):
                    pass
            process.send_signal(signal.SIGINT)
            assert await asyncio.to_thread(process.wait, _PATIENCE_S) == 130
    assert "stanlocal_relay_up 1.0" in text
    assert 'stanlocal_relay_messages_total{channel="orders",stream="orders"} 5.0' in text


def test_a_server_that_is_not_there_is_one_line(streaming: StreamingServer, tmp_path: Path) -> None:
    url = f"nats://127.0.0.1:{streaming.client_port}"
    done = Cli(tmp_path).run("migrate", "relay", "--url", url, "--to", "nats://127.0.0.1:1")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("error: cannot connect to nats://127.0.0.1:1: connection refused; ")


def test_a_login_that_is_half_given_is_named_as_it_was_given(tmp_path: Path) -> None:
    servers = ("--to", "nats://h", "--url", "nats://h")
    done = Cli(tmp_path).run("migrate", "relay", *servers, "--stan-user", "a")
    assert done.returncode == 2
    assert "--stan-user and --stan-password-file go together" in done.stderr


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=_PATIENCE_S) as answer:
        return str(answer.read().decode())
