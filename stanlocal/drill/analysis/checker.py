"""The check of a ledger: from its parts to findings. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, islice
from typing import Any

from stanlocal.drill.analysis.findings import LISTED, Findings, Sequences
from stanlocal.drill.analysis.losses import losses
from stanlocal.drill.analysis.outages import felt
from stanlocal.drill.analysis.runs import runs
from stanlocal.drill.analysis.sequences import forked, gaps
from stanlocal.drill.analysis.tally import Tally
from stanlocal.drill.ledger.entries import Note
from stanlocal.drill.ledger.reader import LedgerReading
from stanlocal.util.timestamps import from_ns


def check(reading: LedgerReading) -> Findings:
    """Return a ledger's findings. Raises `LedgerError` where no drill can have written it."""
    tally, torn = Tally(reading.header), None
    for part in reading.parts():
        if isinstance(part, bytes):
            tally.events(part)
        elif isinstance(part, Note):
            tally.note(part)
        else:
            torn = f"it ends at byte {part.offset} with {part.what}"
    tally.end()
    return _findings(reading, tally, torn)


def _findings(reading: LedgerReading, tally: Tally, torn: str | None) -> Findings:
    names = [audience.name for audience in tally.roster.audiences]
    lost = losses(tally, reading.header.load.ack_wait)
    listed = chain.from_iterable(each.messages(index, names) for index, each in enumerate(lost))
    gap_sequences, forked_sequences = list[Sequences](), list[Sequences]()
    for channel in tally.channels:
        streams = [stream for stream in tally.streams if stream.channel == channel]
        gap_sequences += [Sequences(channel, *each) for each in gaps(streams, tally.strange[channel])]
        forked_sequences += [Sequences(channel, *each) for each in runs(forked(streams))]
    return Findings(
        header=reading.header,
        published=tally.published,
        acked=tally.acked,
        refused=tally.refused,
        unknown=tally.published - tally.acked - tally.refused,
        delivered=tally.delivered,
        lost=sum(len(each.missing) for each in lost),
        undelivered=sum(each.undelivered for each in lost),
        lost_messages=tuple(islice(listed, LISTED)),
        pending=sum(len(each.pending) for each in lost),
        redelivered=tally.redelivered,
        repeated=tally.repeated,
        unflagged=tally.unflagged,
        stored_twice=tally.stored_twice,
        reordered=tally.reordered,
        unexpected=tally.unexpected,
        wrong=tally.wrong,
        gaps=sum(each.count for each in gap_sequences),
        gap_sequences=tuple(gap_sequences[:LISTED]),
        forked=sum(each.count for each in forked_sequences),
        forked_sequences=tuple(forked_sequences[:LISTED]),
        outages=tuple(felt(tally.silences, tally.notes)),
        failovers=tuple(_failovers(tally.notes)),
        faults=len({str(note.fields.get("id")) for note in tally.notes if note.kind == "fault"}),
        rates=tuple(tally.seconds),
        notes=tuple(tally.notes),
        ended=from_ns(tally.time) if tally.time else None,
        drained=any(note.kind == "drained" for note in tally.notes),
        torn=torn,
    )


def _failovers(notes: Sequence[Note]) -> list[Mapping[str, Any]]:
    """Return the failovers recorded at the end, with all phases; else those recorded as they came."""
    recorded = [note.fields.get("failovers") for note in notes if note.kind == "failovers"]
    if recorded and isinstance(recorded[-1], list):
        return [each for each in recorded[-1] if isinstance(each, dict)]
    return [note.fields for note in notes if note.kind == "failover"]
