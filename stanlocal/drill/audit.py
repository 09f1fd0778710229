"""The audit of a drill: a new client reads the store at the end.

Clients of the loser of a split brain may have got messages that the store does not have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from stanlocal.drill.load.subscriber import Subscriber
from stanlocal.stan.start import DeliverAll, StartPosition, StartSequence

_QUIET_S = 0.5
"""Seconds of silence that end the audit once every channel is read up to its last known sequence."""
_STALLED_S = 10.0
"""Seconds of silence that end it before that."""
_LOOK_S = 0.05


async def audit(auditor: Subscriber, subscribers: Sequence[Subscriber]) -> None:
    """Read the load's part of each channel for as long as messages arrive; raises `StanError`."""
    begin: dict[str, StartPosition] = {}
    end: dict[str, int] = {}
    for channel in auditor.spans:
        spans = [each.spans[channel] for each in subscribers if each.spans[channel].last]
        begin[channel] = StartSequence(min(span.first for span in spans)) if spans else DeliverAll()
        end[channel] = max((span.last for span in spans), default=0)
    await auditor.start(begin)
    loop = asyncio.get_running_loop()
    seen, since = -1, loop.time()
    while True:
        through = all(auditor.spans[channel].last >= last for channel, last in end.items())
        if auditor.seen != seen:
            seen, since = auditor.seen, loop.time()
        elif loop.time() - since > (_QUIET_S if through else _STALLED_S):
            return
        await asyncio.sleep(_LOOK_S)
