"""Acknowledged messages that some audience never had. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from stanlocal.drill.analysis.findings import Messages
from stanlocal.drill.analysis.runs import runs
from stanlocal.drill.analysis.tally import Tally
from stanlocal.drill.ledger.entries import ACKED
from stanlocal.drill.ledger.stream import Stream
from stanlocal.util.timestamps import from_ns

_SLACK_NS = 5_000_000_000


@dataclass(slots=True)
class Losses:
    """Lost messages of one publisher."""

    stream: Stream
    missing: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """Audiences that lack each lost message, as one bit each."""
    pending: set[int] = field(default_factory=set)
    """Messages that may still have been on their way when the ledger ended."""

    @property
    def undelivered(self) -> int:
        """Number of lost messages that no audience had."""
        seen, audiences = self.stream.has_seen, range(len(self.stream.seen))
        return sum(not any(seen(audience, number) for audience in audiences) for number in self.missing)

    def messages(self, publisher: int, names: list[str]) -> Iterator[Messages]:
        """Yield the lost messages in runs that the same audiences lack and the same have."""
        stream, missing = self.stream, self.missing

        def kind(number: int) -> tuple[int, ...]:
            return (missing[number], *(stream.has_seen(audience, number) for audience in range(len(names))))

        for first, last in runs(sorted(missing), kind):
            acked_at = stream.acked_at[first : last + 1]
            yield Messages(
                channel=stream.channel,
                publisher=publisher,
                first=first,
                last=last,
                missing_at=tuple(name for bit, name in enumerate(names) if missing[first] >> bit & 1),
                had_by=tuple(name for audience, name in enumerate(names) if stream.has_seen(audience, first)),
                acked_from=from_ns(min(acked_at)),
                acked_to=from_ns(max(acked_at)),
            )


def losses(tally: Tally, ack_wait: int) -> list[Losses]:
    """Return the lost messages of each publisher.

    After a drained drill every missing message is lost. After a killed drill a message is lost to an audience
    that received others more than two ack waits, the server's time until redelivery, after the message was
    acknowledged.
    """
    notes = {note.kind for note in tally.notes}
    audited, drained = "audit" in notes, "drained" in notes
    patience = 2 * ack_wait * 1_000_000_000 + _SLACK_NS
    found = [Losses(stream) for stream in tally.streams]
    acknowledged = [each for each in found if ACKED in each.stream.status]
    for audience, latest in enumerate(tally.latest if audited else tally.latest[:-1]):
        for each in acknowledged:
            for number in each.stream.missing(audience):
                if drained or latest - each.stream.acked_at[number] > patience:
                    each.missing[number] |= 1 << audience
                else:
                    each.pending.add(number)
    for each in found:
        each.pending -= each.missing.keys()
    return found
