"""Measures the terminal interface on a busy group: ``python -m tests.bench.tui``.

One node of three writes 5,000 lines a second, and 2,000 messages a second are published to a channel that
the interface subscribes to. Needs the server's executable, and tmux for the rows of a real terminal. Prints
the table, writes it to tests/bench/results/tui.md (or to `--out`), and exits with 1 when a row falls short.
"""

from __future__ import annotations

import argparse
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from tests.bench.group.ours import Command
from tests.bench.page import RESULTS, publish
from tests.bench.tui import load
from tests.bench.tui.busy import Measured, measure
from tests.bench.tui.report import Row, table
from tests.bench.tui.terminal import Screen, raw, tmux

Open = Callable[[Sequence[str], Mapping[str, str]], AbstractContextManager[Screen]]

_SETTLE_S = 10.0
_UNHURRIED_S = 0.5
_MINUTE = 60
"""Seconds, and so samples, of memory."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.tui", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300, help="of the busy rows [300]")
    parser.add_argument("--tmux-seconds", type=float, default=60, help="of those in tmux; 0: none [60]")
    parser.add_argument("--starts", type=int, default=10, help="of the first screen [10]")
    parser.add_argument("--out", type=Path, default=RESULTS / "tui.md", help="the results file")
    options = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="stanlocal-bench-") as folder:
        for row in _rows(Path(folder), options):
            rows.append(row)
            sys.stderr.write(f"{'PASS ' if row.holds else 'short'} {row.what}: {row.figure}\n")
    publish(table(rows), options.out)
    return 0 if all(row.holds for row in rows) else 1


def _rows(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    name = f"bench-{secrets.token_hex(3)}"
    with load.running(folder, name) as command:
        command.run("up", "--nodes", "3")
        yield _first_screen(command, options.starts)
        load.flood(folder, f"{name}-1")
        yield from _busy(command, raw, "", seconds=options.seconds, restarted=f"{name}-2")
        if options.tmux_seconds:
            yield from _busy(command, tmux, " (tmux)", seconds=options.tmux_seconds)


def _first_screen(command: Command, starts: int) -> Row:
    """Measure from the start of the process; the first run, which compiles the modules, does not count."""
    times = []
    for _ in range(starts + 1):
        begin = time.time()
        with raw(command.line("tui"), command.env) as screen:
            times.append(screen.seen(f"{command.group}: healthy") - begin)
    took = times[1:]
    said = f"median {statistics.median(took):.2f} s ({min(took):.2f}-{max(took):.2f})"
    return Row("first screen", said, "at most 0.7 s", statistics.median(took) <= 0.7)


def _busy(
    command: Command, open_: Open, where: str, *, seconds: float, restarted: str | None = None
) -> Iterator[Row]:
    """Measure lines, messages, keys and restarts at the same time."""
    command.run("restart", "1")  # the flood begins, or begins again with an empty screen
    with open_(command.line("tui"), command.env) as screen, load.publishing(command):
        _subscribe(screen)
        time.sleep(_SETTLE_S)
        yield from _shaped(measure(screen, command, seconds=seconds, restarted=restarted), where)


def _subscribe(screen: Screen) -> None:
    """Publish to the form's initial channel, then show the logs again."""
    screen.seen("following")
    for key, text in (("3", "Unsubscribe"), ("n", "Leave the form"), ("\r", "open")):
        screen.press(key)
        screen.seen(text)
        time.sleep(_UNHURRIED_S)
    screen.press("1")


def _shaped(found: Measured, where: str) -> Iterator[Row]:
    keys = sorted(found.keys_ms)
    p95 = keys[round(len(keys) * 0.95) - 1]
    said = (
        f"median {statistics.median(keys):.0f} ms, p95 {p95:.0f} ms, longest {keys[-1]:.0f} ms of {len(keys)}"
    )
    yield Row(f"key press to screen{where}", said, "p95 at most 80 ms", p95 <= 80)
    yield Row(f"processor{where}", f"{found.cpu:.0%} of a core", "at most 60 %", found.cpu <= 0.6)
    first, last = found.memory_mb[:_MINUTE], found.memory_mb[-_MINUTE:]
    grown, most = statistics.median(last) - statistics.median(first), max(found.memory_mb)
    said = f"most {most:.0f} MB; last minute {grown:+.1f} MB on the first, over {len(found.memory_mb)} s"
    yield Row(f"memory{where}", said, "at most 110 MB, at most +1 MB", most <= 110 and grown <= 1)
    if found.states_ms:
        usual, longest = statistics.median(found.states_ms), max(found.states_ms)
        said = f"median {usual:.0f} ms, longest {longest:.0f} ms of {len(found.states_ms)}"
        yield Row("log line to the state on the screen", said, "median at most 80 ms", usual <= 80)


if __name__ == "__main__":
    sys.exit(main())
