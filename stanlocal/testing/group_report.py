"""The report of a group for a test that failed: status, timeline and merged log, as titled texts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from stanlocal.api import FTGroup, core_of
from stanlocal.errors import StanlocalError
from stanlocal.history.timeline import as_line
from stanlocal.model import group_text
from stanlocal.testing.log_report import folded

Part = Callable[[FTGroup, datetime], Awaitable[str]]

_PART_S = 5.0
"""Seconds for one part of a report: a failing test may have left the group in any state."""
_LOG_LINES = 500
"""Log lines that are read of each node."""
_SHOWN_LINES = 200
"""Lines of all nodes together that are shown, starts folded."""
_EVENTS = 200


async def group_report(group: FTGroup, name: str, since: datetime) -> list[tuple[str, str]]:
    """Return titled texts for people: the group's status, and its events and log lines since then.

    A part that the group does not give within some seconds is a text that says so.
    """
    return [(f"{name}: {title}", await _bounded(part, group, since)) for title, part in _PARTS.items()]


async def _status(group: FTGroup, since: datetime) -> str:
    return group_text.text(await group.document())


async def _timeline(group: FTGroup, since: datetime) -> str:
    events = await (await core_of(group)).events()
    lines = [as_line(event) for event in events if event.time >= since]
    return _tail(lines, _EVENTS, "no events")


async def _logs(group: FTGroup, since: datetime) -> str:
    lines = await group.logs(since=since, tail=_LOG_LINES)
    return _tail([*folded(lines)], _SHOWN_LINES, "no lines")


_PARTS: Mapping[str, Part] = {"status": _status, "timeline": _timeline, "logs": _logs}


async def _bounded(part: Part, group: FTGroup, since: datetime) -> str:
    try:
        async with asyncio.timeout(_PART_S):
            return await part(group, since)
    except (StanlocalError, TimeoutError) as error:
        return f"unavailable: {error or f'no answer within {_PART_S:g} s'}"


def _tail(lines: Sequence[str], most: int, otherwise: str) -> str:
    if not lines:
        return otherwise
    left_out = [f"({len(lines) - most} earlier ones left out)"] if len(lines) > most else []
    return "\n".join([*left_out, *lines[-most:]])
