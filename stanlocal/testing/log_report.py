"""Log lines in the report of a failing test, with the lines that every start repeats folded. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from stanlocal.logs import event_types as ev
from stanlocal.util.printable import printable

if TYPE_CHECKING:
    from stanlocal.logs.merge import NodeLine

_MILESTONES = (
    ev.Boot,
    ev.StandbyStarted,
    ev.LockTaken,
    ev.RecoveryStarted,
    ev.RecoveryEnded,
    ev.StreamingReady,
)
_BEGINS = (ev.Boot, ev.LockTaken)
"""Lines after which a node prints what it prints at every start."""
_ENDS = (ev.StandbyStarted, ev.StreamingReady)
_QUIET = ("INF", "DBG", "TRC")
"""Levels of lines that may be folded."""


def folded(lines: Sequence[NodeLine]) -> Iterator[str]:
    """Yield the lines as people read them, in order; each start of a node is its milestones and a count.

    A node's way from its first line to standby counts as its start, and so does its way from the lock to
    ready. Warnings and errors are never folded.
    """
    name_width = max((len(each.node) for each in lines), default=0)
    starting: set[str] = set()
    hidden: Counter[str] = Counter()
    for each in lines:
        node, line = each.node, each.line
        if isinstance(line.event, _BEGINS):
            starting.add(node)
        elif isinstance(line.event, _ENDS):
            starting.discard(node)
        if node in starting and line.level in _QUIET and not isinstance(line.event, _MILESTONES):
            hidden[node] += 1
            continue
        if count := hidden.pop(node, 0):
            yield _count(node, name_width, count)
        time = line.time.astimezone().strftime("%H:%M:%S.%f")[:-3]
        yield f"{time}  {node:<{name_width}}  {line.level or '---'} {printable(line.message)}"
    for node, count in hidden.items():
        yield _count(node, name_width, count)


def _count(node: str, name_width: int, count: int) -> str:
    return f"{'':<12}  {node:<{name_width}}  ... {count} {'line' if count == 1 else 'lines'} of its start"
