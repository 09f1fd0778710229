"""The audit of a drill: what is in the store when all is over, read by a client that was not there before.

Who was connected to the loser of a split brain may have got what nobody will ever get again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from stanlocal.drill.load.subscriber import Subscriber
from stanlocal.stan.start import DeliverAll, StartPosition, StartSequence

_QUIET_S = 0.5
"""Silence after which a channel that was read to its end, as far as that is known, is over."""
_PATIENCE_S = 10.0
"""Silence after which one that was not is given up."""
_LOOK_S = 0.05


async def audit(auditor: Subscriber, subscribers: Sequence[Subscriber]) -> None:
    """Reads the load's part of each channel, for as long as something comes; raises `StanError`."""
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
        elif loop.time() - since > (_QUIET_S if through else _PATIENCE_S):
            return
        await asyncio.sleep(_LOOK_S)
