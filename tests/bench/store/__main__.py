"""`python -m tests.bench.store`: how fast a store is verified, beside `cat` and `crc32` alone.

Stores of a million messages are made with the real server, then each is read by `cat > /dev/null`, by
`zlib.crc32` over its files in pieces of 1 MiB, and by `stanlocal store verify`'s reader, in turns. Times
are of the processor (user and system) on one core, from the page cache: on a busy machine the wall clock
says more about the others. Results go to tests/bench/results/store.md.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from stanlocal import stan
from stanlocal.store.verify.store import verify
from tests.bench.page import CORES, PYTHON, RESULTS, SYSTEM, line, page, publish
from tests.support.binary import find_server
from tests.support.server import running

MESSAGES = 1_000_000
ROUNDS = 5
STORES = (
    ("128 B, one size", lambda number: b"m" * 128, False),
    ("128 B, one size, read by a durable", lambda number: b"m" * 128, True),
    ("100 to 400 B, every size", lambda number: b"m" * (100 + number * 7919 % 301), False),
    ("1 KiB, one size", lambda number: b"m" * 1024, False),
)
_HOW = f"""stores of {MESSAGES:,} messages written by the
real server, each read from the page cache by `cat > /dev/null`, by `zlib.crc32` alone in pieces of 1 MiB and
by `store verify`, in turns; medians of {ROUNDS} rounds, processor time on one core.
Demanded: at least 200 MB/s, and at least 0.5 of crc32 alone; the last column says which holds."""
_READY = "Streaming Server is ready"


async def fill(binary: Path, store: Path, payload: Callable[[int], bytes], *, read: bool) -> None:
    """Fill a store with a million messages; with `read`, also with a durable that has read them all."""
    with running(binary, store, "-mm", "0", "-mb", "0", "-file_sync=false") as server:
        server.wait_for(_READY)
        url = f"nats://127.0.0.1:{server.client_port}"
        async with stan.connect(url, cluster_id="test-cluster", client_id="bench") as client:
            for first in range(0, MESSAGES, 10_000):
                await client.publish_batch("orders", [payload(first + each) for each in range(10_000)])
            if read:
                done = asyncio.Event()

                def count(message: stan.Message) -> None:
                    if message.sequence == MESSAGES:
                        done.set()

                sub = await client.subscribe("orders", count, start=stan.DeliverAll(), durable_name="d")
                await done.wait()
                await sub.close()


def files(store: Path) -> list[Path]:
    return [path for path in sorted(store.rglob("*")) if path.suffix in (".dat", ".idx")]


def cat(store: Path) -> None:
    with Path(os.devnull).open("wb") as sink:
        for path in files(store):
            with path.open("rb") as source:
                while piece := source.read(1 << 20):
                    sink.write(piece)


def crc32(store: Path) -> None:
    for path in files(store):
        value = 0
        with path.open("rb") as source:
            while piece := source.read(1 << 20):
                value = zlib.crc32(piece, value)


def check(store: Path) -> None:
    verdict = verify(store)
    assert verdict.ok, verdict.problems
    assert verdict.messages == MESSAGES


def seconds(work: Callable[[Path], None], store: Path) -> float:
    began = time.process_time()
    work(store)
    return time.process_time() - began


def measure(store: Path) -> tuple[int, list[float]]:
    """The store's bytes, and the median seconds of `cat`, `crc32` and `verify`, taken in turns."""
    size = sum(path.stat().st_size for path in files(store))
    rounds = [[seconds(work, store) for work in (cat, crc32, check)] for _ in range(ROUNDS)]
    return size, [statistics.median(column) for column in zip(*rounds, strict=True)]


def row(name: str, size: int, medians: list[float]) -> Sequence[str]:
    rates = [size / each / 1e6 for each in medians]
    ratio = rates[2] / rates[1]
    cells = (name, f"{size / 1e6:.0f} MB", *(f"{rate:,.0f} MB/s" for rate in rates), f"{ratio:.2f}")
    told = f"{MESSAGES / medians[2] / 1e6:.1f} million/s"
    holds = f"{'yes' if rates[2] >= 200 else 'no'}, {'yes' if ratio >= 0.5 else 'no'}"
    return (*cells, told, holds)


def table(rows: Sequence[Sequence[str]]) -> str:
    """The whole page."""
    load = os.getloadavg()[0]
    return page(
        "Verifying a store beside cat and crc32",
        bench="store",
        how=_HOW,
        machine=f"{CORES}, {SYSTEM}, {PYTHON}, zlib {zlib.ZLIB_RUNTIME_VERSION}, load {load:.1f}",
        columns=("messages", "store", "cat", "crc32 alone", "verify", "of crc32", "verified", "holds"),
        rows=rows,
    )


async def main() -> int:
    binary = find_server()
    if binary is None:
        sys.stderr.write("no nats-streaming-server; 'python -m tests.support.binary' builds one\n")
        return 1
    rows = []
    for name, payload, read in STORES:
        with tempfile.TemporaryDirectory() as folder:
            store = Path(folder) / "store"
            await fill(binary, store, payload, read=read)
            rows.append(row(name, *measure(store)))
            sys.stderr.write(line(rows[-1]) + "\n")
    publish(table(rows), RESULTS / "store.md")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
