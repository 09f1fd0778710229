"""Measure the STAN client beside its peers, in one run on one FT group: ``python -m tests.bench.stan``.

Peers: node-nats-streaming from npm (installed into a cache folder) and stan.go's `stan-bench` (by
`go install`). uvloop and a newer Python are measured beside. Every row runs `--rounds` times, the peers
taking turns, and shows medians. The table goes to standard output and to tests/bench/results/stan-client.md.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.bench.page import RESULTS, publish
from tests.bench.stan import peers, rows, runtimes
from tests.bench.stan.report import table
from tests.integration.stan.ft_processes import Group


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="runs of each figure; the median counts [5]")
    parser.add_argument(
        "--count", type=int, default=200_000, help="messages of the asynchronous rows [200000]"
    )
    parser.add_argument("--kills", type=int, default=20, help="kills of the active for the outage row [20]")
    parser.add_argument("--store", type=Path, help="folder for the group's store [a temporary one]")
    options = parser.parse_args()
    tools, others = peers.install(), runtimes.install()
    with tempfile.TemporaryDirectory(dir=options.store) as folder:
        with Group(Path(folder) / "speed") as group:
            found = rows.throughput(group, tools, others, options.rounds, options.count)
        found.append(rows.memory(Path(folder) / "memory"))
        found.append(asyncio.run(rows.outage(Path(folder) / "outage", options.kills)))
        publish(table(found, options, Path(folder)), RESULTS / "stan-client.md")
    return 0 if all(row.holds for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
