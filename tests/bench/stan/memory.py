"""Megabytes a process grows by while messages go through one subscription, on standard output."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from stanlocal import stan

MEGABYTE = 1024 * 1024


def resident() -> int:
    """Return the resident memory of this process in bytes."""
    line = next(
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS")
    )
    return int(line.split()[1]) * 1024


async def grown(url: str, cluster_id: str, count: int) -> float:
    """Publish and receive `count` messages of 128 bytes; return the highest growth, in megabytes."""
    done = asyncio.Event()
    seen = highest = 0

    def callback(message: stan.Message) -> None:
        nonlocal seen, highest
        seen += 1
        if seen % 10_000 == 0:
            highest = max(highest, resident())
        if seen == count:
            done.set()

    async with stan.connect(url, cluster_id=cluster_id, client_id="memory") as client:
        await client.publish("memory", b"x" * 128)
        begin = resident()
        await client.subscribe("memory", callback, start=stan.DeliverAll())
        for _ in range(count - 1):
            await client.publish_async("memory", b"x" * 128)
        await client.flush()
        await done.wait()
    return (highest - begin) / MEGABYTE


if __name__ == "__main__":
    sys.stdout.write(f"{asyncio.run(grown(sys.argv[1], sys.argv[2], int(sys.argv[3])))}\n")
