"""Measures groups on the cluster of the tests, beside kubectl: ``python -m tests.bench.kubernetes``.

Needs the cluster, up. Prints the table, writes it to tests/bench/results/kubernetes.md (or to `--out`), and
exits with 1 when a row falls short.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.bench.group.rows import Row
from tests.bench.kubernetes import bring_up, forward, log_lines, look
from tests.bench.page import RESULTS, load_average, machine, page, publish
from tests.kubernetes.cluster.layout import Paths
from tests.kubernetes.cluster.sources import KUBERNETES


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.kubernetes", description=__doc__)
    parser.add_argument("--repeat", type=int, default=7, help="runs of each command (7)")
    parser.add_argument("--deletions", type=int, default=10, help="deletions of the active pod (10)")
    parser.add_argument("--lines", type=int, default=500, help="lines of a pod's log (500)")
    parser.add_argument("--out", type=Path, default=RESULTS / "kubernetes.md", help="the results file")
    options = parser.parse_args()
    if not Paths().root.exists():
        parser.error("the cluster is down; run: python -m tests.kubernetes.cluster up")
    found: list[Row] = []
    steps: tuple[tuple[Callable[[int], Awaitable[list[Row]]], int], ...] = (
        (bring_up.rows, options.repeat),
        (look.rows, options.repeat),
        (log_lines.rows, options.lines),
        (forward.rows, options.deletions),
    )
    for rows, count in steps:
        for row in asyncio.run(_all(rows, count)):
            found.append(row)
            sys.stderr.write(f"{'PASS ' if row.holds else 'short'} {row.what}: {row.ours} {row.ratio}\n")
    text = page(
        "Groups on a cluster, beside kubectl",
        bench="kubernetes",
        how=f"a cluster of two nodes on the same machine; whole commands, medians of {options.repeat} runs, "
        "taken in turns with kubectl's; lowest and highest in brackets.",
        machine=f"{machine()}, Kubernetes {KUBERNETES}; {load_average()}",
        columns=("what", "stanlocal", "kubectl", "ratio", "demanded", "verdict"),
        rows=(row.cells for row in found),
    )
    publish(text, options.out)
    return 0 if all(row.holds for row in found) else 1


async def _all(rows: Callable[[int], Awaitable[list[Row]]], count: int) -> list[Row]:
    return await rows(count)


if __name__ == "__main__":
    sys.exit(main())
