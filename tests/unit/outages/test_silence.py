"""The meter of outages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from stanlocal.history.occurrences import Outage
from stanlocal.outages.gaps import Gap
from stanlocal.outages.silence import Silence, SilenceMeter

MS = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def silences(*steps: tuple[str, int]) -> list[Silence]:
    """Return what a meter finds in publishes, acks and failures at those milliseconds."""
    meter, found = SilenceMeter(), []
    for kind, ms in steps:
        silence = None
        if kind == "publish":
            meter.published(ms * MS)
        elif kind == "fail":
            meter.failed(ms * MS)
        else:
            silence = meter.acked(ms * MS) if kind == "ack" else meter.now(ms * MS)
        if silence is not None:
            found.append(silence)
    return found


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([("publish", 0), ("ack", 100)], []),
        ([("publish", 0), ("ack", 101)], [Silence(None, 0, 101 * MS, True)]),
        ([("publish", 0), ("ack", 1), ("publish", 500), ("ack", 501)], []),
        ([("publish", 0), ("ack", 1), ("publish", 500), ("ack", 900)],
            [Silence(MS, 500 * MS, 900 * MS, True)]),
        ([("publish", 0), ("publish", 0), ("ack", 1), ("ack", 300)], [Silence(MS, MS, 300 * MS, True)]),
        ([("publish", 0), ("now", 100)], []),
        ([("publish", 0), ("now", 700)], [Silence(None, 0, 700 * MS, False)]),
        (
            [("publish", 0), ("fail", 50), ("publish", 60), ("fail", 110), ("publish", 120), ("ack", 170)],
            [Silence(None, 0, 170 * MS, True)],
        ),
        ([("publish", 0), ("fail", 300), ("now", 900)], [Silence(None, 0, 300 * MS, False)]),
    ],
    ids=[
        "a slow disk", "longer", "nothing to do", "from the publish on", "from the ack on", "not yet one",
        "lasting", "refusals are no service", "nobody waits any more",
    ],
)  # fmt: skip
def test_silences(steps: Sequence[tuple[str, int]], expected: list[Silence]) -> None:
    """A silence is a wait for an ack of more than 0.1 s; a refusal does not end it."""
    assert silences(*steps) == expected


def test_silence_knows_when_the_newest_acknowledged_message_was_sent() -> None:
    """Acks arrive in any order, and the one that ends the silence was served after it."""
    meter = SilenceMeter()
    for _ in range(3):
        meter.published(0)
    meter.acked(40 * MS, 20 * MS)
    meter.acked(90 * MS, 10 * MS)
    silence = meter.acked(900 * MS, 80 * MS)
    assert silence is not None
    assert (silence.last_ack, silence.served, silence.sent) == (90 * MS, 20 * MS, 80 * MS)


def test_silence_has_the_first_moment_at_which_the_connection_was_lost() -> None:
    meter = SilenceMeter()
    meter.published(0)
    meter.disconnected(60 * MS)
    meter.disconnected(90 * MS)
    silence = meter.acked(1000 * MS)
    assert silence is not None
    assert silence.seconds == 1
    outage = silence.outage()
    assert outage == Outage(EPOCH, EPOCH + timedelta(milliseconds=60), EPOCH + timedelta(seconds=1))
    assert Gap("pub", "orders", outage).ms == 1000


def test_connection_lost_while_nothing_is_due_or_in_an_earlier_silence_is_not_reported() -> None:
    meter = SilenceMeter()
    meter.disconnected(0)
    meter.published(MS)
    meter.disconnected(2 * MS)
    assert meter.acked(3 * MS) is None
    meter.published(4 * MS)
    silence = meter.acked(500 * MS)
    assert silence is not None
    assert silence.lost is None
