"""Messages that wait for room in the window of unacknowledged ones: first come, first served."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from stanlocal.stan.ack import PublishAck

Publish = Callable[[], PublishAck]
"""Takes a message into the window; raises what keeps it out."""


class WindowQueue:
    """The messages that wait for room, each with the way to publish it.

    Whoever makes room publishes them. So no later message comes before them, and one that cannot be
    published leaves its room to the next.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[asyncio.Future[PublishAck], Publish] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    async def wait(self, publish: Publish) -> PublishAck:
        """Return the message's ack once it is published, or raise why it cannot be."""
        turn: asyncio.Future[PublishAck] = asyncio.get_running_loop().create_future()
        self._waiting[turn] = publish
        try:
            return await turn
        except asyncio.CancelledError:
            self._waiting.pop(turn, None)
            if not turn.cancelled() and turn.exception() is None:
                turn.result().cancel()  # it was published just before, and nobody will await its ack
            raise

    def publish_next(self) -> None:
        """Publish the first message, unless its publisher was cancelled."""
        turn, publish = self._waiting.popitem(last=False)
        if turn.cancelled():
            return
        try:
            turn.set_result(publish())
        except Exception as error:  # noqa: BLE001 - whatever it is, the message's publisher gets it
            turn.set_exception(error)
