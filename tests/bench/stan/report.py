"""The page around the table."""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from tests.bench.page import PYTHON, SYSTEM, hardware, load_average, page
from tests.bench.stan.rows import Row
from tests.bench.stan.runtimes import UVLOOP

_CLIENTS = ("stanlocal", "node-nats-streaming", "stan.go")


def table(rows: Sequence[Row], options: argparse.Namespace, store: Path) -> str:
    """The whole page."""
    return page(
        "The STAN client beside its peers",
        bench="stan",
        how="one run, one FT group of two nats-streaming-server 0.25.6 processes on the same machine, "
        f"128-byte messages, medians of {options.rounds} rounds in which the clients take turns. Use the "
        "ratios: such machines are noisy. stanlocal is measured "
        f"on {PYTHON} and its own event loop; {UVLOOP} and another Python are beside it.",
        machine=f"{hardware()}, {SYSTEM}; {PYTHON} without uvloop, nats-py {version('nats-py')}, "
        f"protobuf {version('protobuf')}; Node.js {_said('node', '--version')}; "
        f"{_said('go', 'version')[:17]}; {load_average(15)}; store on {_filesystem(store)}",
        columns=(
            "what",
            "stanlocal",
            "node-nats-streaming 0.3.2",
            "stan.go 0.10.4",
            "ratios",
            "demanded",
            "holds",
        ),
        rows=map(_cells, rows),
    )


def _cells(row: Row) -> Sequence[str]:
    figures = (row.figures.get(name, "") for name in _CLIENTS)
    return (row.what, *figures, row.ratios, row.demand, _holds(row))


def _holds(row: Row) -> str:
    if not row.demand:
        return ""
    return "yes" if row.holds else "**no**"


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _filesystem(folder: Path) -> str:
    return _said("stat", "--file-system", "--format", "%T", str(folder))
