"""Silences as outages: from the fault that began them to the first ack afterwards. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from stanlocal.drill.analysis.findings import FeltOutage
from stanlocal.drill.ledger.entries import Note
from stanlocal.outages.silence import TOLERANCE_S, Silence
from stanlocal.util.timestamps import from_ns

_SKEW = timedelta(milliseconds=50)
"""Delay of acks that were on their way when a fault hit."""

_TOLERANCE = timedelta(seconds=TOLERANCE_S)


def felt(silences: Iterable[tuple[int | None, Silence]], notes: Iterable[Note]) -> list[FeltOutage]:
    """Return the outages in the order of their start; each by its publisher, None for all together.

    A fault is a silence's if it hit after the last ack before; of several the first one is. One that hit in
    the middle of it did not begin it.
    """
    faults = sorted((note for note in notes if note.kind == "fault"), key=lambda note: note.time)
    outages = [_felt(publisher, silence, faults) for publisher, silence in silences]
    return sorted(outages, key=lambda outage: (outage.began, outage.publisher is not None))


def _felt(publisher: int | None, silence: Silence, faults: Sequence[Note]) -> FeltOutage:
    began, ended = from_ns(silence.began), from_ns(silence.ended)
    last_ack = from_ns(silence.last_ack) if silence.last_ack is not None else None
    since = (last_ack or began) - _SKEW
    fault = next((note for note in faults if since <= note.time < ended), None)
    return FeltOutage(
        publisher=publisher,
        fault=str(fault.fields.get("name", "fault")) if fault else None,
        last_ack=last_ack,
        began=fault.time if fault and fault.time - began <= _TOLERANCE else began,
        first_ack=ended if silence.acked else None,
        ended=ended,
    )
