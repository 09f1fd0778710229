"""The relay back: writes what a stream got after the cut-over into its channel, so that programs can return.

The channel numbers messages by itself, one after the other, so its last sequence says how far the relay is,
and the numbers stay equal as long as nothing else publishes there. After a failure the relay waits until the
server serves again, and goes on behind the channel's last message.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from stanlocal.drill.load.sites import Delivery
from stanlocal.errors import RelayBlocked, StanError
from stanlocal.migrate.live.jetstream_site import JetStreamClient
from stanlocal.migrate.relay.channel_relay import first_available
from stanlocal.stan.start import LastReceived, StartSequence
from stanlocal.util.printable import printable

if TYPE_CHECKING:
    from stanlocal.stan.client import Client

_BATCH = 100
_PAUSE_S = 0.1
_SETTLE_S = 0.2
"""Seconds after which nothing of a broken connection reaches the server any more."""
_ACK_WAIT_S = 60


class RelayBack:
    """The relay of one stream into its channel, from behind sequence `last` on.

    `client` publishes without retries, so that no message is sent twice unseen.
    """

    def __init__(self, client: Client, source: JetStreamClient, channel: str, last: int) -> None:
        self.last = last
        """Sequence of the channel's last message."""
        self._client = client
        self._source = source
        self._channel = channel
        self._held: dict[int, bytes] = {}
        """Messages that the channel does not have yet, by sequence, in order."""
        self._wake = asyncio.Event()
        self._advanced = asyncio.Event()

    async def run(self) -> None:
        """Relay until cancelled; raises `RelayBlocked` when the channel has another message."""
        await self._source.subscribe(
            self._channel,
            self._take,
            start=StartSequence(self.last + 1),
            durable_name="",
            queue_group="",
            ack_wait=_ACK_WAIT_S,
        )
        while True:
            await self._wake.wait()
            self._wake.clear()
            while batch := self._following():
                stored = self.last + len(batch)
                try:
                    await self._client.publish_batch(self._channel, batch)
                except* StanError:  # stored or not: reading the channel shows it
                    stored = 0
                self._at(stored or await self._stored(batch))

    def _take(self, message: Delivery) -> None:
        if message.sequence > self.last:
            self._held[message.sequence] = message.data
            self._wake.set()

    def _following(self) -> list[bytes]:
        """Return the data of the messages that come next, without a gap."""
        batch = []
        for sequence in range(self.last + 1, self.last + 1 + _BATCH):
            if sequence not in self._held:
                break
            batch.append(self._held[sequence])
        return batch

    async def _stored(self, batch: list[bytes]) -> int:
        """Return the sequence of the channel's last message, once the server serves again."""
        while True:
            await asyncio.sleep(_SETTLE_S)
            try:
                found = await first_available(self._client, self._channel, LastReceived())
            except StanError:  # no node serves yet
                await asyncio.sleep(_PAUSE_S)
                continue
            at = found.sequence if found else 0
            place = at - self.last - 1
            if found is not None and place >= 0 and (place >= len(batch) or batch[place] != found.data):
                raise RelayBlocked(
                    f"channel {printable(self._channel)} has another message at {at} than its stream: "
                    "something still publishes there; stop it, and begin the way back again"
                )
            return max(at, self.last)

    def _at(self, last: int) -> None:
        for sequence in range(self.last + 1, last + 1):
            self._held.pop(sequence, None)
        self.last = last
        advanced, self._advanced = self._advanced, asyncio.Event()
        advanced.set()

    async def reached(self, sequence: int) -> None:
        """Wait until the channel has everything up to a sequence."""
        while self.last < sequence:
            await self._advanced.wait()
