"""The table as Markdown."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.bench.stan.rows import Row

RESULTS = Path(__file__).parents[1] / "results" / "stan-client.md"


def write(table: list[Row], options: argparse.Namespace, store: Path) -> str:
    """Write the results file; its text."""
    lines = [
        "# The STAN client beside its peers",
        "",
        f"Made by `python -m tests.bench.stan` on {datetime.now(UTC):%Y-%m-%d}: one run, one FT group of two "
        "nats-streaming-server 0.25.6 processes on the same machine, 128-byte messages, medians of "
        f"{options.rounds} rounds in which the clients take turns. Use the ratios: such machines are noisy.",
        "",
        f"Machine: {os.cpu_count()} cores ({_processor()}), {_memory()} GiB, {platform.system()} "
        f"{platform.release()}; Python {platform.python_version()} without uvloop, "
        f"nats-py {version('nats-py')}, protobuf {version('protobuf')}; "
        f"Node.js {_said('node', '--version')}; {_said('go', 'version')[:17]}; "
        f"load {os.getloadavg()[2]:.1f} over the last 15 minutes; store on {_filesystem(store)}.",
        "",
        "| what | stanlocal | node-nats-streaming 0.3.2 | stan.go 0.10.4 | ratios | demanded | holds |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in table:
        figures = [row.figures.get(name, "") for name in ("stanlocal", "node-nats-streaming", "stan.go")]
        lines.append(
            f"| {row.what} | {' | '.join(figures)} | {row.ratios} | {row.demand} | {_word(row.holds)} |"
        )
    text = "\n".join(lines) + "\n"
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(text)
    return text


def _word(holds: bool) -> str:
    return "yes" if holds else "**no**"


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = info.read_text().splitlines() if info.exists() else []
    found = (line.partition(":")[2].strip() for line in names if line.startswith("model name"))
    return next(found, platform.machine())


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def _filesystem(folder: Path) -> str:
    return _said("stat", "--file-system", "--format", "%T", str(folder))
