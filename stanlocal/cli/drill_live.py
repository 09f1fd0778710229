"""Progress of a running drill: a few changing lines on a terminal, else one line for each step."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stanlocal.cli import printing
from stanlocal.cli.context import Context
from stanlocal.model.group_text import STYLES
from stanlocal.util.printable import printable

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

    from stanlocal.drill.progress import Progress
    from stanlocal.drill.runner import Drill
    from stanlocal.model.states import GroupStatus

_UPDATES_PER_S = 4
_LAST_STEPS = 5
"""Number of last steps shown."""
_BAR_CELLS = 30


@contextmanager
def shown(context: Context, drill: Drill) -> Iterator[None]:
    """Show progress on standard error during the block; with `--json` only if `--verbose` asks."""
    if context.json or not printing.is_terminal(err=True):
        if context.verbose or not context.json:
            drill.report = context.say
        yield
        return
    from rich.live import Live

    lines: deque[str] = deque(maxlen=_LAST_STEPS)
    drill.report = lambda line: lines.append(printable(line))
    with Live(
        console=printing.people_console(),
        refresh_per_second=_UPDATES_PER_S,
        transient=True,
        get_renderable=lambda: picture(drill.progress, lines),
    ):
        yield


def picture(progress: Progress, lines: deque[str]) -> Group:
    """Return the lines that show the progress, below them the last steps."""
    from rich.console import Group
    from rich.text import Text

    steps = [Text(f"  {line}", "dim") for line in lines]
    if progress.status is None:
        return Group(Text(progress.doing, "bold"), *steps[:-1])
    load = progress.load
    counts = (
        f"acked {load.acked:,} ({load.ack_rate:,.0f}/s)   delivered {load.delivered:,} "
        f"({load.delivery_rate:,.0f}/s)   missing {load.missing:,}"
    )
    outage = Text(f"failovers {progress.failovers}   worst outage {load.worst_outage:.2f} s   ")
    if load.outage:
        outage.append(f"no ack for {load.outage:.2f} s", "bold yellow")
    faults = Text(f"fault in force: {', '.join(progress.faults) or 'none'}")
    if progress.faults:
        faults.stylize("bold red")
    return Group(
        _bar(progress),
        Text(progress.doing, "bold"),
        _nodes(progress.status),
        faults,
        Text(counts),
        outage,
        *steps,
    )


def _bar(progress: Progress) -> Text:
    from rich.text import Text

    minutes, seconds = divmod(int(progress.elapsed_s), 60)
    bar = Text()
    if (share := progress.share) is not None:
        full = round(share * _BAR_CELLS)
        bar.append("█" * full, "green").append("░" * (_BAR_CELLS - full), "dim").append(f" {share:4.0%}  ")
    steps = f"step {progress.steps}" + (f" of {progress.of_steps}" if progress.of_steps else "")
    return bar.append(f"{minutes}:{seconds:02}  {steps}")


def _nodes(status: GroupStatus) -> Text:
    from rich.text import Text

    text = Text()
    for node in status.nodes:
        marks = [mark for mark, is_so in (("paused", node.paused), ("cut off", node.partitioned)) if is_so]
        text.append(f"{node.name} ").append(node.state.value, STYLES.get(node.state.value, ""))
        text.append(f" {' '.join(marks)}   " if marks else "   ", "yellow")
    return text
