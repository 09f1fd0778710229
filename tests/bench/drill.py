"""`python -m tests.bench.drill`: what a drill's load costs, and how fast its ledger is checked.

A load runs on a real group, as fast as acks come, while a sampler looks a thousand times in a second of
processor time what the process is at: in the drill's own code, or in the STAN client and the event loop.
Then a ledger of a million messages, as three audiences and an audit had them, is checked by a process of
its own. Results go to tests/bench/results/drill.md.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import stanlocal.drill
import stanlocal.outages
from stanlocal.api import FTGroup
from stanlocal.drill.analysis import checker
from stanlocal.drill.ledger.entries import Header, Kind
from stanlocal.drill.ledger.reader import read
from stanlocal.drill.ledger.writer import Ledger
from stanlocal.drill.load.load import Load
from stanlocal.drill.scenario.spec import LoadSpec
from tests.bench.page import CORES, PYTHON, RESULTS, SYSTEM, page, publish

Cells = tuple[str, str, str, str]

MESSAGES = 1_000_000
SECONDS = 20
ROUNDS = 3
OWN = tuple(each for room in (stanlocal.drill, stanlocal.outages) for each in room.__path__)
EVERYONE = LoadSpec(publishers=2, window=128, plain=1, durable=1, queue=2)


class Sampler:
    """Count of samples, in all and in the drill's own code, one for each millisecond of processor time."""

    def __init__(self) -> None:
        self.own = self.all = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.all += 1
        self.own += frame is not None and frame.f_code.co_filename.startswith(OWN)

    @contextmanager
    def sampling(self) -> Iterator[None]:
        before = signal.signal(signal.SIGPROF, self)
        signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)


async def load(folder: Path) -> list[Cells]:
    """Rows about the load."""
    sampler = Sampler()
    async with FTGroup(group="bench-drill", purge=True) as group:
        with Ledger.create(folder / "load", Header(EVERYONE)) as ledger:
            running = Load(group, ledger, client_ids="bench")
            await running.start()
            before, began, cpu = running.stats(), time.perf_counter(), time.process_time()
            with sampler.sampling():
                await asyncio.sleep(SECONDS)
            after, wall = running.stats(), time.perf_counter() - began
            used = time.process_time() - cpu
            await running.stop(30)
    acked, delivered = (after.acked - before.acked) / wall, (after.delivered - before.delivered) / wall
    own = sampler.own / sampler.all * used / wall
    told = check(folder / "load")[0]
    return [
        row(
            f"load beside a group of two, as acks come, {EVERYONE.window} in flight",
            f"{acked:,.0f} acknowledged/s, {delivered:,.0f} delivered/s, {told}",
            "at least 5,000 acknowledged/s, none lost",
            acked >= 5000 and told.endswith(" 0 lost"),
        ),
        row(
            "the drill's own work meanwhile",
            f"{own:.1%} of the time, {own * wall / (after.acked - before.acked) * 1e6:.1f} µs a message; "
            f"with client and event loop {used / wall:.0%}",
            "under 20 % of the time",
            own < 0.2,
        ),
    ]


def check(path: Path) -> tuple[str, float]:
    """Return the ledger's summary, and the seconds of processor time that the work took."""
    began = time.process_time()
    found = checker.check(read(path))
    return f"{found.acked:,} checked, {found.lost} lost", time.process_time() - began


async def write(path: Path) -> None:
    """A ledger of a million messages of two publishers, which everybody got, each twice in a thousand."""
    roster = EVERYONE.roster()
    with Ledger.create(path, Header(EVERYONE)) as ledger:
        for number in range(1, MESSAGES // 2 + 1):
            for publisher in (0, 1):
                ledger.event(Kind.PUBLISHED, publisher, number)
                sequence = 2 * number - 1 + publisher
                for reader in (0, 1, 2 + number % 2):
                    ledger.event(Kind.DELIVERED, publisher, number, reader, sequence)
                    if number % 500 == 0:
                        ledger.event(Kind.DELIVERED, publisher, number, reader, sequence, flags=1)
                ledger.event(Kind.ACKED, publisher, number)
        ledger.note("drained", datetime.now(UTC), missing=0)
        for sequence in range(1, MESSAGES + 1):
            number, publisher = (sequence + 1) // 2, (sequence + 1) % 2
            ledger.event(Kind.DELIVERED, publisher, number, len(roster.readers) - 1, sequence)
        ledger.note("audit", datetime.now(UTC), messages=MESSAGES)


def row(what: str, measured: str, demanded: str, holds: bool) -> Cells:
    return (what, measured, demanded, "yes" if holds else "no")


def table(rows: Sequence[Cells]) -> str:
    """The whole page."""
    return page(
        "What a drill costs",
        bench="drill",
        machine=f"{CORES}, {SYSTEM}, {PYTHON}, load {os.getloadavg()[0]:.1f}",
        columns=("what", "measured", "demanded", "holds"),
        rows=rows,
    )


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = asyncio.run(load(folder))
        million = folder / "million"
        asyncio.run(write(million))
        command = [sys.executable, "-m", "tests.bench.drill", str(million)]
        rounds = [subprocess.run(command, check=True, capture_output=True, text=True) for _ in range(ROUNDS)]
        seconds = statistics.median(float(each.stdout.split()[0]) for each in rounds)
        megabytes = max(int(each.stdout.split()[1]) for each in rounds)
        rows.append(
            row(
                f"{MESSAGES:,} messages checked, a ledger of {million.stat().st_size / 1e6:.0f} MB",
                f"{seconds:.1f} s of processor time, median of {ROUNDS}; {megabytes} MB resident at most",
                "under 10 s and 500 MB",
                seconds < 10 and megabytes < 500,
            )
        )
    publish(table(rows), RESULTS / "drill.md")
    return 0


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _, seconds = check(Path(sys.argv[1]))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        sys.stdout.write(f"{seconds} {peak}\n")
        sys.exit(0)
    sys.exit(main())
