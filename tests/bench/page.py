"""The page of results that a bench makes: what was measured, how and on what, as a table in Markdown."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import psutil

RESULTS = Path(__file__).parent / "results"
CORES = f"{os.cpu_count()} cores"
SYSTEM = f"{platform.system()} {platform.release()}"
PYTHON = f"Python {platform.python_version()}"


def page(
    title: str,
    *,
    bench: str = "",
    command: str = "",
    how: str = "",
    machine: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
) -> str:
    """The whole page. `bench` is the module's name in this package, `how` a text on how it measures.

    What is no module of this package gives its `command` instead.
    """
    made = f"Made by `{command or f'python -m tests.bench.{bench}'}` on {datetime.now(UTC):%Y-%m-%d}"
    head = [
        f"# {title}",
        "",
        f"{made}: {how}" if how else f"{made}.",
        "",
        f"Machine: {machine}.",
        "",
        line(columns),
        line(["---"] * len(columns)),
    ]
    return "\n".join([*head, *map(line, rows), ""])


def line(cells: Iterable[str]) -> str:
    """A line of the table."""
    return f"| {' | '.join(cells)} |"


def publish(text: str, out: Path) -> None:
    """Writes a page to its file and shows it."""
    out.write_text(text, "utf-8")
    sys.stdout.write(text)


def verdict(holds: bool) -> str:
    """Format the value as most tables show it."""
    return "PASS" if holds else "short"


def hardware() -> str:
    """Processor and memory of this machine."""
    info = Path("/proc/cpuinfo")
    told = info.read_text().splitlines() if info.exists() else []
    models = {each.partition(": ")[2] for each in told if each.startswith("model name")}
    memory = psutil.virtual_memory().total / (1 << 30)
    return f"{CORES} ({', '.join(sorted(models)) or platform.machine()}), {memory:.0f} GiB"


def machine() -> str:
    """Describe the machine that the figures were measured on."""
    return f"{hardware()}, {SYSTEM}, {PYTHON}"


def load_average(minutes: Literal[5, 15] = 5) -> str:
    """Describe how busy the machine has been."""
    _, five, fifteen = os.getloadavg()
    return f"load {five if minutes == 5 else fifteen:.1f} over the last {minutes} minutes"
