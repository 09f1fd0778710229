"""A store of a million messages: every count of them is the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from stanlocal import stan
from stanlocal.monitor import pages
from stanlocal.store.inspect.overview import overview
from tests.support.memory import peak_above_start
from tests.support.server import running

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(600)]

COUNT = 1_000_000
READY = "Streaming Server is ready"
_VERIFY = """
from pathlib import Path
from stanlocal.store.verify.store import verify
start()
verdict = verify(Path({store!r}), cluster_id="test-cluster")
assert (verdict.problems, verdict.messages) == ([], {count}), verdict.problems[:5]
"""


async def test_reader_monitor_and_subscriber_agree_on_a_million_before_and_after_a_failover(
    server_binary: Path, tmp_path: Path
) -> None:
    store, limits = tmp_path / "store", {"max_msgs": 0, "max_bytes": 0}
    options = ("-mm", "0", "-mb", "0", "-file_sync=false")
    seen = []
    with running(server_binary, store, *options) as active:
        active.wait_for(READY)
        with running(server_binary, store, *options) as standby:
            standby.wait_for("Starting in standby mode")
            await _publish(active.client_port)
            seen.append(await _counts(active.client_port, active.monitor_url, store, limits))
            active.process.kill()
            standby.wait_for(READY)
            seen.append(await _counts(standby.client_port, standby.monitor_url, store, limits))
    assert seen[0] == seen[1]
    assert peak_above_start(_VERIFY.format(store=str(store), count=COUNT)) < 16 << 20


async def _publish(port: int) -> None:
    url = f"nats://127.0.0.1:{port}"
    async with stan.connect(url, cluster_id="test-cluster", client_id="writer") as client:
        for _ in range(COUNT // 10_000):
            await client.publish_batch("orders", [b"m" * 128] * 10_000)


async def _counts(port: int, monitor: str, store: Path, limits: dict[str, int]) -> dict[str, int]:
    """Return the counts of monitor, reader and subscriber, once they agree."""
    (told,) = await pages.channels(monitor, 5)
    (read,) = overview(store, limits)["channels"]
    figures = {key: told[key] for key in ("msgs", "bytes", "first_seq", "last_seq")}
    assert read["kept"] == {key: read[key] for key in figures} == figures
    assert figures["msgs"] == COUNT
    counted, done = 0, asyncio.Event()

    def count(message: stan.Message) -> None:
        nonlocal counted
        counted += 1
        if message.sequence == COUNT:
            done.set()

    url = f"nats://127.0.0.1:{port}"
    async with stan.connect(url, cluster_id="test-cluster", client_id=f"reader-{port}") as client:
        sub = await client.subscribe("orders", count, start=stan.DeliverAll())
        async with asyncio.timeout(120):
            await done.wait()
        await sub.unsubscribe()
    assert counted == COUNT
    return figures
