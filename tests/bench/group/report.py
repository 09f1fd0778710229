"""The table as Markdown, with what it was measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

from tests.bench.group.rows import Row

RESULTS = Path(__file__).parents[1] / "results" / "group.md"


def table(rows: Sequence[Row], *, repeat: int, compose: str, engine: str) -> str:
    """The whole page."""
    head = [
        "# A group's speed and memory, beside Docker Compose",
        "",
        f"Made by `python -m tests.bench.group` on {datetime.now(UTC):%Y-%m-%d}: medians of {repeat} runs, "
        "taken in turns with the peer's in one run; lowest and highest in brackets.",
        "",
        f"Machine: {machine()}, Docker Engine {engine}, Docker Compose {compose}; "
        f"load {os.getloadavg()[1]:.1f} over the last 5 minutes.",
        "",
        "| what | stanlocal | Compose | ratio | demanded | verdict |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    body = [
        f"| {row.what} | {row.ours} | {row.peer} | {row.ratio} | {row.demand} | {verdict(row.holds)} |"
        for row in rows
    ]
    return "\n".join([*head, *body, ""])


def verdict(holds: bool) -> str:
    """As the table has it."""
    return "PASS" if holds else "short"


def machine() -> str:
    """What the figures were measured on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = {line.partition(": ")[2] for line in lines if line.startswith("model name")}
    memory = psutil.virtual_memory().total / (1 << 30)
    return (
        f"{os.cpu_count()} cores ({', '.join(sorted(models)) or platform.machine()}), {memory:.0f} GiB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )
