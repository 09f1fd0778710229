"""Silences as outages: from the fault that began them to the first ack afterwards. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from stanlocal.drill.analysis.findings import FeltOutage
from stanlocal.drill.ledger.entries import Note
from stanlocal.outages.silence import TOLERANCE_S, Silence
from stanlocal.util.timestamps import from_ns

_SKEW = timedelta(milliseconds=50)
"""Lag of a fault's effect behind its time on record."""

_TOLERANCE = timedelta(seconds=TOLERANCE_S)


def felt(silences: Iterable[tuple[int | None, Silence]], notes: Iterable[Note]) -> list[FeltOutage]:
    """Return the outages in the order of their start; each by its publisher, None for all together.

    A fault is a silence's if it hit after the server is last known to have served; of several the first one
    is. Acks that a busy client handled after the fault do not count if their messages were sent before it.
    A fault that hit in the middle of a silence did not begin it, nor did one that began an earlier silence.
    """
    faults = sorted((note for note in notes if note.kind == "fault"), key=lambda note: note.time)
    views: dict[int | None, _View] = {}
    outages = [
        views.setdefault(publisher, _View(publisher)).felt(each, faults) for publisher, each in silences
    ]
    return sorted(outages, key=lambda outage: (outage.began, outage.publisher is not None))


class _View:
    """One publisher's silences, in the order of time."""

    def __init__(self, publisher: int | None) -> None:
        self._publisher = publisher
        self._fault: Note | None = None
        """Fault that explains the silence before."""
        self._served = 0
        """End of the silence before, if a message sent after its fault ended it."""

    def felt(self, silence: Silence, faults: Sequence[Note]) -> FeltOutage:
        """Return the outage of the next silence."""
        began, ended = from_ns(silence.began), from_ns(silence.ended)
        last_ack = from_ns(silence.last_ack) if silence.last_ack is not None else None
        since = from_ns(max(silence.served, self._served) or silence.last_ack or silence.began) - _SKEW
        fault = next((note for note in faults if since <= note.time < ended), None)
        begins = fault is not None and fault is not self._fault and fault.time - began <= _TOLERANCE
        if fault is None or from_ns(silence.sent) > fault.time:
            self._served = silence.ended
        self._fault = fault
        return FeltOutage(
            publisher=self._publisher,
            fault=str(fault.fields.get("name", "fault")) if fault else None,
            last_ack=last_ack,
            began=fault.time if fault and begins else began,
            first_ack=ended if silence.acked else None,
            ended=ended,
        )
