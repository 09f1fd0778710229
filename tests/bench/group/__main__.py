"""Measures a group's speed and memory beside Docker Compose: ``python -m tests.bench.group``.

Needs a Docker Engine, the server's image, and Go, which builds Docker Compose the first time. Prints the
table, writes it to tests/bench/results/group.md (or to `--out`), and exits with 1 when a row falls short.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from stanlocal.engine.docker.endpoint import connect
from tests.bench.group import compose as peer
from tests.bench.group import lines
from tests.bench.group.idle import idle
from tests.bench.group.lines import Flood
from tests.bench.group.ours import Command
from tests.bench.group.rows import Row, bounded, compared, median, timed
from tests.bench.page import RESULTS, load_average, machine, page, publish

_SIZES = (2, 4, 8, 10)
_PER_NODE_S = 0.1
_STARTS = (
    (("--help",), 0.15),
    (("--version",), 0.15),
    (("status",), 0.2),
    (("status", "--json"), 0.18),
    (("list",), 0.15),
)
"""Commands that only look, and the seconds that each may take."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.group", description=__doc__)
    parser.add_argument("--repeat", type=int, default=7, help="runs of each (7)")
    parser.add_argument("--idle", type=float, default=60, help="seconds of the idle row (60)")
    parser.add_argument("--lines", type=int, default=100_000, help="lines of the flood (100000)")
    parser.add_argument("--only", choices=sorted(_ROWS), action="append", help="only these rows")
    parser.add_argument("--out", type=Path, default=RESULTS / "group.md", help="the results file")
    options = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="stanlocal-bench-") as folder:
        Path(folder).chmod(0o755)
        for name in options.only or _ROWS:
            for row in _ROWS[name](Path(folder), options):
                rows.append(row)
                sys.stderr.write(f"{'PASS ' if row.holds else 'short'} {row.what}: {row.ours} {row.ratio}\n")
    client = connect()
    engine = client.version()["Version"]
    client.close()
    versions = f"Docker Engine {engine}, {peer.COMPOSE}"
    publish(table(rows, options.repeat, versions), options.out)
    return 0 if all(row.holds for row in rows) else 1


def table(rows: Sequence[Row], repeat: int, versions: str) -> str:
    """The whole page; `versions` are those of the engine and the peer."""
    return page(
        "A group's speed and memory, beside Docker Compose",
        bench="group",
        how=f"medians of {repeat} runs, taken in turns with the peer's in one run; lowest and highest in "
        "brackets.",
        machine=f"{machine()}, {versions}; {load_average()}",
        columns=("what", "stanlocal", "Compose", "ratio", "demanded", "verdict"),
        rows=(row.cells for row in rows),
    )


def _name() -> str:
    return f"bench-{secrets.token_hex(3)}"


def up_and_down(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """The same pair by both, one after the other, never side by side."""
    command, other = Command(folder, _name()), peer.Compose(peer.compose(), folder / "compose", _name())
    times: dict[str, list[float]] = {"up": [], "down": [], "their up": [], "their down": []}
    with command.up():
        pass  # so that no side has its modules compiled in the first run
    for _ in range(options.repeat):
        times["up"].append(command.seconds("up"))
        times["down"].append(command.seconds("down", "--timeout", "0"))
        times["their up"].append(timed(other.up))
        times["their down"].append(timed(other.down))
    command.purge()
    yield compared(
        "`up`, against `up -d` and a poll for the active node", times["up"], times["their up"], 1.05
    )
    yield compared("`down --timeout 0`, against `down -t 0`", times["down"], times["their down"], 1.1)


def start(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """Measure the start-up that every command pays for."""
    command = Command(folder, _name())
    with command.up():
        for arguments, at_most in _STARTS:
            command.run(*arguments)
            times = [command.seconds(*arguments) for _ in range(options.repeat)]
            yield bounded(f"`{' '.join(arguments)}`", times, at_most)


def lag(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """Two nodes that write a little, and one that floods beside one that writes a little."""
    quiet = Flood(rate=200, lines=max(400, options.lines // 100), problems=10)
    flood = Flood(rate=20_000, lines=options.lines, problems=500)
    for what, floods in (
        ("2 nodes at 200 lines/s", [quiet, quiet]),
        ("20,000 lines/s from one of 2 nodes", [flood, quiet]),
    ):
        found, lost = asyncio.run(lines.lines(folder / _name(), _name(), floods))
        yield lines.row(f"stamp of a line to the line in the API, {what}", found, lost)
        told = asyncio.run(lines.events(folder / _name(), _name(), floods))
        yield lines.row(f"stamp of a line to its event in the API, {what}", told, None)


def supervisor(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """`up --attach` with nothing to do."""
    yield idle(Command(folder, _name()), options.idle)


def sizes(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """Larger groups; the sizes take turns."""
    command = Command(folder, _name())
    times: dict[int, list[float]] = {size: [] for size in _SIZES}
    for _ in range(options.repeat):
        for size in _SIZES:
            times[size].append(command.seconds("up", "--nodes", str(size)))
            command.purge()
    took = {size: median(found) for size, found in times.items()}
    first, last = _SIZES[0], _SIZES[-1]
    more = (took[last] - took[first]) / (last - first)
    said = ", ".join(f"{size}: {seconds:.2f} s" for size, seconds in took.items())
    demand = f"at most {_PER_NODE_S:g} s more per node"
    yield Row(
        f"`up` with {', '.join(map(str, _SIZES))} nodes",
        said,
        "",
        f"{more:.3f} s a node",
        demand,
        more <= _PER_NODE_S,
    )


_ROWS = {"up-down": up_and_down, "start": start, "lag": lag, "idle": supervisor, "sizes": sizes}

if __name__ == "__main__":
    sys.exit(main())
