"""Measure how fast a store gets to JetStream, and with how much memory: ``python -m tests.bench.migrate``.

A store of a million messages of 128 bytes is packed, loaded and verified by the commands that users run,
on a real nats-server, in turns with `nats stream restore` where natscli is on PATH. With `--large` also
ten million messages, end to end. Then the cut-over is rehearsed under load, there and back, while active
nodes of an FT group of local processes are killed. Results go to tests/bench/results/migrate.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.page import RESULTS, load_average, machine, page, publish, verdict
from tests.support.cli import COMMAND
from tests.support.jetstream import VERSION, JetStreamServer, find_jetstream, running_jetstream
from tests.support.stores import EPOCH, index_record, make_store, message

MESSAGES, LARGE = 1_000_000, 10_000_000
SIZE = 128
ROUNDS = 3
STEP_NS = 11_000
_SLICE = 1_000_000
_LIVE_RUNS, _KILLS = 20, 5
_STAN2JS = 9_300
"""Messages per second of stan2js, measured before; it is in no registry to be measured beside."""
_HOW = f"""messages of {SIZE} bytes in a store as the server writes it, taken to nats-server
{VERSION} by `stanlocal migrate`; whole commands, medians of {ROUNDS} rounds, memory as the largest
of a command's rounds."""


def make(store: Path, count: int) -> None:
    """Write a store with slices of a million messages; half of each payload cannot be compressed."""
    make_store(store, [])
    for number, first in enumerate(range(1, count + 1, _SLICE), 1):
        with (
            (store / "orders" / f"msgs.{number}.dat").open("wb") as data,
            (store / "orders" / f"msgs.{number}.idx").open("wb") as index,
        ):
            for file in (data, index):
                file.write(b"\x01\0\0\0")
            offset = 4
            for sequence in range(first, min(first + _SLICE, count + 1)):
                time_ns = EPOCH + sequence * STEP_NS
                body = message(sequence, random.randbytes(SIZE // 2) + b"m" * (SIZE // 2), time=time_ns)
                index.write(index_record(sequence, offset, time_ns, len(body)))
                data.write(len(body).to_bytes(4, "little") + zlib.crc32(body).to_bytes(4, "little") + body)
                offset += 8 + len(body)


def run(*command: str | Path) -> tuple[float, float]:
    """Return the seconds that a command takes, and its memory in MB; it has to succeed."""
    began = time.monotonic()
    pid = os.posix_spawnp(
        str(command[0]), [str(part) for part in command], os.environ, file_actions=[_quiet(1), _quiet(2)]
    )
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"{' '.join(map(str, command))} failed with status {status}")
    return time.monotonic() - began, usage.ru_maxrss / 1e3


def _quiet(descriptor: int) -> tuple[int, int, str, int, int]:
    return (os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_WRONLY, 0)


def rounds(store: Path, folder: Path, binary: Path, count: int) -> Iterator[tuple[str, float, float]]:
    """Yield seconds and MB of each command, with its name."""
    pack, streams = folder / "pack", folder / "streams"
    for path in (pack, streams):
        shutil.rmtree(path, ignore_errors=True)
    yield "pack", *run(*COMMAND, "migrate", "pack", store, "--out", pack)
    with running_jetstream(binary, streams) as server:
        yield "load", *run(*COMMAND, "migrate", "load", pack, "--to", server.url)
        yield "verify", *run(*COMMAND, "migrate", "verify", store, "--to", server.url)
        yield "size", _size(streams) / (count * (SIZE + 30 + len("orders"))), 0.0
    if natscli := shutil.which("nats"):
        shutil.rmtree(streams)
        with running_jetstream(binary, streams) as server:
            yield "nats stream restore", *_restore(natscli, server, pack)


def _restore(natscli: str, server: JetStreamServer, pack: Path) -> tuple[float, float]:
    return run(natscli, "-s", server.url, "stream", "restore", "--no-progress", pack / "orders")


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.blk"))


def rows(count: int, repeat: int, binary: Path) -> Iterator[Sequence[str]]:
    measured: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder / "store", count)
        for _ in range(repeat):
            for what, seconds, memory in rounds(folder / "store", folder, binary, count):
                measured.setdefault(what, []).append((seconds, memory))
    for what, least in (("pack", 150_000), ("load", 200_000), ("verify", 100_000)):
        rate = count / statistics.median(seconds for seconds, _ in measured[what])
        memory = max(memory for _, memory in measured[what])
        holds = rate >= least and memory <= 200
        yield (
            f"{what}, {count:,}",
            f"{rate:,.0f}/s",
            f"{memory:.0f} MB",
            f"{least:,}/s, 200 MB",
            verdict(holds),
        )
    if found := measured.get("nats stream restore"):
        rate = count / statistics.median(seconds for seconds, _ in found)
        yield (
            f"nats stream restore, {count:,}",
            f"{rate:,.0f}/s",
            f"{max(m for _, m in found):.0f} MB",
            "peer",
            "",
        )
    yield from _against_stan2js(
        count, {what: statistics.median(s for s, _ in measured[what]) for what in measured}
    )
    ratio = max(ratio for ratio, _ in measured["size"])
    yield (
        f"size on disk, {count:,}",
        f"{ratio:.3f}",
        "",
        "1.01 x (payload + 30 + subject)",
        verdict(ratio <= 1.01),
    )


def _against_stan2js(count: int, seconds: Mapping[str, float]) -> Iterator[Sequence[str]]:
    """Compare stan2js, which only copies, with a copy and with the whole migration."""
    copied = seconds["pack"] + seconds["load"]
    for what, took in (("pack and load", copied), ("pack, load and verify", copied + seconds["verify"])):
        times = count / took / _STAN2JS
        measured = f"{took:.0f} s, {times:.1f} x stan2js"
        yield f"{what}, {count:,}", measured, "", "10 x stan2js", verdict(times >= 10)
        if count == LARGE:
            yield f"{what}, {count:,}", f"{took:.0f} s", "", "300 s", verdict(took <= 300)


def live_rows() -> Iterator[Sequence[str]]:
    """Rehearse the cut-over and the way back under load, again and again, and count what it cost."""
    runs = [_rehearsed() for _ in range(_LIVE_RUNS)]
    of = f"live, {_LIVE_RUNS} runs with {_KILLS} kills"
    lost = sum(run["lost"] + run["gaps"] for run in runs)
    yield f"{of}: lost, there and back", f"{lost}", "", "0", verdict(lost == 0)
    twice = sum(run["duplicates"]["unexplained"] + run["forked"] for run in runs)
    yield f"{of}: twice, or another sequence", f"{twice}", "", "0", verdict(twice == 0)
    again = sum(run["duplicated"] - run["duplicates"]["unexplained"] for run in runs)
    delivered = sum(run["delivered"] for run in runs)
    yield f"{of}: again after a failover of STAN", f"{again} of {delivered:,}", "", "", ""
    bad = sum(not run["ok"] for run in runs)
    yield f"{of}: bad verdicts", f"{bad}", "", "0", verdict(bad == 0)
    for name in ("publishers", "publishers back"):
        pauses = [phase["pause_s"] for run in runs for phase in run["phases"] if phase["name"] == name]
        median = statistics.median(pauses)
        measured = f"median {median:.2f} s, worst {max(pauses):.2f} s"
        yield f"{of}: pause of {name}", measured, "", "median 2 s", verdict(median <= 2)


def _rehearsed() -> dict[str, Any]:
    """Return the verdict of one rehearsal; a bad one has exit code 5."""
    command = ("--engine", "process", "--json", "migrate", "rehearse")
    options = ("--live", "--kill-active", str(_KILLS), "--rollback")
    done = subprocess.run([*COMMAND, *command, *options], capture_output=True, text=True)
    if done.returncode not in (0, 5):
        sys.exit(f"a rehearsal failed: {done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    if not found["ok"]:
        sys.stderr.write(f"a bad verdict: {found['problems']}\n")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.migrate", description=__doc__)
    parser.add_argument("--large", action="store_true", help=f"with {LARGE:,} messages too")
    parser.add_argument("--live", action="store_true", help="print only the rows of live rehearsals")
    options = parser.parse_args()
    binary = find_jetstream()
    if binary is None:
        parser.error("no nats-server; 'python -m tests.support.jetstream' builds one")
    if options.live:
        for row in live_rows():
            sys.stdout.write(" | ".join(row) + "\n")
        return 0
    measured = [*rows(MESSAGES, ROUNDS, binary)]
    if options.large:
        measured += rows(LARGE, 1, binary)
    measured += live_rows()
    text = page(
        "From a store to JetStream",
        bench="migrate",
        how=_HOW,
        machine=f"{machine()}, {load_average()}",
        columns=("what", "measured", "memory", "demanded", "verdict"),
        rows=measured,
    )
    publish(text, RESULTS / "migrate.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
