"""A figure of stanlocal's client, measured in a process of its own, like the peers'."""

from __future__ import annotations

import asyncio
import importlib
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from stanlocal import stan

if TYPE_CHECKING:
    from tests.bench.stan.runtimes import Runtime

ROOT = Path(__file__).parents[3]


def rate(
    runtime: Runtime, url: str, cluster_id: str, kind: str, channel: str, count: int, size: int
) -> float:
    """Messages a second, measured in another process like the peers'."""
    words = (url, cluster_id, kind, channel, str(count), str(size), "uvloop" if runtime.uvloop else "asyncio")
    command = [str(runtime.python), "-m", "tests.bench.stan.ours", *words]
    return float(
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=300, cwd=ROOT).stdout
    )


async def publish_async(client: stan.Client, channel: str, count: int, payload: bytes) -> None:
    for _ in range(count):
        await client.publish_async(channel, payload)
    await client.flush()


async def publish_sync(client: stan.Client, channel: str, count: int, payload: bytes) -> None:
    for _ in range(count):
        await client.publish(channel, payload)


async def subscribe(client: stan.Client, channel: str, count: int, payload: bytes) -> None:
    done = asyncio.Event()
    seen = 0

    def callback(message: stan.Message) -> None:
        nonlocal seen
        seen += 1
        if seen == count:
            done.set()

    await client.subscribe(channel, callback, start=stan.DeliverAll(), max_inflight=1024)
    await done.wait()


KINDS = {"async": publish_async, "sync": publish_sync, "subscribe": subscribe}


async def main(url: str, cluster_id: str, kind: str, channel: str, count: int, size: int) -> float:
    async with stan.connect(
        url, cluster_id=cluster_id, client_id=f"ours-{kind}", max_pub_acks_inflight=16384
    ) as client:
        begin = time.perf_counter()
        await KINDS[kind](client, channel, count, b"x" * size)
        return count / (time.perf_counter() - begin)


if __name__ == "__main__":
    url, cluster_id, kind, channel, count, size, loop = sys.argv[1:]
    factory = importlib.import_module(loop).new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        sys.stdout.write(f"{runner.run(main(url, cluster_id, kind, channel, int(count), int(size)))}\n")
