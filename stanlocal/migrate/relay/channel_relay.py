"""The relay of one channel: a durable of its own at the STAN server, and the writer of its stream.

The stream's last sequence says where to go on, not the durable's position: it is as certain as the messages
themselves. The durable spares reading again what the stream has, shows the relay in the server's monitor, and
is acknowledged only once the stream has a message. Where the next delivery is not the next message, because a
failover lost some on their way or the durable is ahead, the durable is made again behind the stream's end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stanlocal.errors import JetStreamError, RelayBlocked
from stanlocal.migrate.inventory import RELAY_DURABLE
from stanlocal.migrate.jetstream.connection import JetStream
from stanlocal.migrate.relay.stream_writer import Relayed, StreamWriter
from stanlocal.stan.start import DeliverAll, LastReceived, StartPosition, StartSequence
from stanlocal.util.printable import printable

if TYPE_CHECKING:
    from stanlocal.stan.client import Client
    from stanlocal.stan.message import Message
    from stanlocal.stan.subscription import Subscription

_ACK_WAIT_S = 2
"""Seconds after which the server sends again what was lost on its way."""
_OVERDUE_S = 5.0
"""Seconds after which a message that the channel has, and the server does not deliver, counts as missing."""
_IN_FLIGHT = 256
_LOOKS, _LOOK_S = 3, 1.5
"""Attempts to get a first message, and seconds of each: a failover may lose one on its way."""

Report = Callable[[str], None]
"""Callback that takes a line on what happens."""


@dataclass(slots=True)
class Progress:
    """The progress of one channel's relay."""

    channel: str
    stream: str
    last: int = 0
    """Sequence of the last message that the stream has."""
    known: int = 0
    """Highest sequence of the channel that was seen."""
    relayed: int = 0
    """Messages written since the relay began."""
    repeated: int = 0
    """Deliveries of messages that the stream had already."""
    restarts: int = 0
    """Times that the durable was made again behind the stream's end."""
    lost: int = 0
    """Messages that the channel dropped before they were relayed."""
    waiting_since: float | None = None
    """Time of the loop at which messages arrived that are not confirmed; None where there are none."""

    @property
    def behind(self) -> int:
        """Messages that the channel is known to have and the stream does not."""
        return max(self.known - self.last, 0)

    def document(self) -> dict[str, Any]:
        return {
            "channel": printable(self.channel),
            "stream": self.stream,
            "last_seq": self.last,
            "behind": self.behind,
            "relayed": self.relayed,
            "repeated": self.repeated,
            "lost": self.lost,
        }


@dataclass(slots=True)
class _Arrivals:
    """The messages that were delivered and not handled yet."""

    messages: list[Message] = field(default_factory=list)
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, message: Message) -> None:
        self.messages.append(message)
        self.wake.set()

    async def next(self, timeout: float | None) -> list[Message]:
        """Return what was delivered; nothing when `timeout` seconds are up."""
        try:
            async with asyncio.timeout(timeout):
                await self.wake.wait()
        except TimeoutError:
            return []
        self.wake.clear()
        found, self.messages = self.messages, []
        return found


class ChannelRelay:
    """The relay of a channel, over any number of connections one after the other."""

    def __init__(self, channel: str, stream: str, report: Report) -> None:
        self.progress = Progress(channel, stream)
        self._report = report
        self._advanced = asyncio.Event()

    async def follow(self, client: Client, server: JetStream, *, once: bool = False) -> None:
        """Relay until cancelled, or with `once` until the stream has all that the channel has now.

        Raises `StanError` or `JetStreamError` when a connection fails; then it can be called again with new
        ones. Raises `RelayBlocked` when going on would lose a message.
        """
        progress = self.progress
        info = await server.stream(progress.stream)
        if info is None:
            raise JetStreamError(f"{server.url} has no stream {progress.stream} any more; load it again")
        last = int(info["state"]["last_seq"])
        end = await first_available(client, progress.channel, LastReceived())
        progress.known = end.sequence if end else 0
        async with StreamWriter(server, progress.stream, progress.channel, last) as writer:
            await writer.begin()
            self._at(last)
            if last and end:
                await self._compare_lineage(client, writer, end)
            if once and last >= progress.known:
                return
            start = last + 1
            while True:
                async with _Durable(client, progress.channel, start) as durable:
                    if await self._pump(durable.arrivals, writer, progress.known if once else None):
                        return
                    await durable.forget()
                start = await self._behind_the_gap(client, writer)

    async def _compare_lineage(self, client: Client, writer: StreamWriter, end: Relayed) -> None:
        """Compare the stream's last message with the channel's under that sequence, if both have one."""
        if end.sequence < writer.last:
            progress = self.progress
            raise RelayBlocked(
                f"stream {progress.stream} is at {writer.last}, and channel {printable(progress.channel)} "
                f"ends at {end.sequence}: publishers have moved already, or the channel began again; compare "
                "them with 'stanlocal migrate verify'"
            )
        at = await first_available(client, self.progress.channel, StartSequence(writer.last))
        if at is not None and at.sequence == writer.last:
            await writer.compare_repeats([at])

    async def _pump(self, arrivals: _Arrivals, writer: StreamWriter, end: int | None) -> bool:
        """Write what arrives until a message is missing (False), or the stream has `end` (True)."""
        begun, progress = writer.last, self.progress
        while end is None or writer.last < end:
            arrived = await arrivals.next(_OVERDUE_S if writer.last < progress.known else None)
            if not arrived:
                return False
            progress.waiting_since = asyncio.get_running_loop().time()
            run, had, done = _sorted(arrived, writer, begun)
            progress.known = max(progress.known, *(message.sequence for message in arrived))
            progress.repeated += len(done) - len(run)
            await writer.compare_repeats(had)
            await writer.write(run)
            progress.relayed += len(run)
            self._at(writer.last)
            for message in done:
                await message.ack()
            if len(done) < len(arrived):
                return False
        return True

    async def _behind_the_gap(self, client: Client, writer: StreamWriter) -> int:
        """Return where to go on: at the next sequence, or behind those that the channel no longer has."""
        self.progress.restarts += 1
        found = await first_available(client, self.progress.channel, StartSequence(writer.last + 1))
        following = writer.last + 1
        if found is not None and found.sequence > following:
            self.progress.lost += found.sequence - following
            self._report(
                f"channel {printable(self.progress.channel)} has nothing from {following} to "
                f"{found.sequence - 1} any more; the stream has a gap there"
            )
            await writer.skip_to(found.sequence - 1)
            self._at(writer.last)
        return writer.last + 1

    def _at(self, last: int) -> None:
        self.progress.last, self.progress.waiting_since = last, None
        self.progress.known = max(self.progress.known, last)
        advanced, self._advanced = self._advanced, asyncio.Event()
        advanced.set()

    async def reached(self, sequence: int) -> None:
        """Wait until the stream has everything up to a sequence."""
        while self.progress.last < sequence:
            await self._advanced.wait()


def _sorted(
    arrived: list[Message], writer: StreamWriter, begun: int
) -> tuple[list[Relayed], list[Relayed], list[Message]]:
    """Return what follows the stream's last message, repeats to compare with it, and the messages of both.

    Other repeats are of what was written since the stream was at `begun`. The messages end before one that
    does not follow, also one that is not the same under the same sequence.
    """
    run: list[Relayed] = []
    had: list[Relayed] = []
    done: list[Message] = []
    for message in arrived:
        each = Relayed(message.sequence, message.timestamp, message.data)
        place = each.sequence - writer.last - 1
        if place > len(run) or (0 <= place < len(run) and each != run[place]):
            break
        if place == len(run):
            run.append(each)
        elif place < 0 and (each.sequence <= begun or writer.is_later(each)):
            had.append(each)
        done.append(message)
    return run, had, done


class _Durable:
    """The relay's durable on a channel, open during a block, and kept by the server afterwards."""

    def __init__(self, client: Client, channel: str, start: int) -> None:
        self.arrivals = _Arrivals()
        self._client = client
        self._channel = channel
        self._start = start
        self._subscription: Subscription | None = None

    async def __aenter__(self) -> _Durable:
        self._subscription = await self._client.subscribe(
            self._channel,
            self.arrivals.take,
            start=StartSequence(self._start),
            durable_name=RELAY_DURABLE,
            manual_ack=True,
            ack_wait=_ACK_WAIT_S,
            max_inflight=_IN_FLIGHT,
        )
        return self

    async def forget(self) -> None:
        """Delete the durable, so that the next one begins where it is asked to."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await subscription.unsubscribe()

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None and kind is None and subscription.is_open:
            await subscription.close()  # else the client's end closes it


async def first_available(client: Client, channel: str, start: StartPosition) -> Relayed | None:
    """Return the first message of a channel from a position on; None if there is none.

    With one message in flight the server sends no other before that is acknowledged: so what comes is the
    first, even if a delivery is lost on its way. That there is none takes some seconds to know. Raises
    `StanError`.
    """
    for _ in range(_LOOKS):
        if (found := await _delivered(client, channel, start)) is not None:
            return found
    return None


async def _delivered(client: Client, channel: str, start: StartPosition) -> Relayed | None:
    arrived: asyncio.Future[Relayed] = asyncio.get_running_loop().create_future()

    def take(message: Message) -> None:
        if not arrived.done():
            arrived.set_result(Relayed(message.sequence, message.timestamp, message.data))

    subscription = await client.subscribe(
        channel, take, start=start, manual_ack=True, ack_wait=1, max_inflight=1
    )
    try:
        async with asyncio.timeout(_LOOK_S):
            return await arrived
    except TimeoutError:
        return None
    finally:
        if subscription.is_open:
            await subscription.close()


async def first_sequence(client: Client, channel: str) -> int:
    """Return the sequence of a channel's first message; 1 if it has none. Raises `StanError`."""
    found = await first_available(client, channel, DeliverAll())
    return found.sequence if found is not None else 1
