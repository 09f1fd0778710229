"""Publishing: the window of unacknowledged messages, their acks, deadlines and second attempts.

Each message has an ack subject of its own below the connection's ack prefix. So a "no responders" answer,
which carries nothing, is assigned to its message by its subject.
"""

from __future__ import annotations

import asyncio
from time import monotonic

from stanlocal.stan import wire
from stanlocal.stan.ack import PublishAck
from stanlocal.stan.errors import (
    BadReply,
    ConnectionInterrupted,
    InvalidPublishRequest,
    NoActiveServer,
    PublishTimeout,
    StanError,
)
from stanlocal.stan.link import Link, LinkListener
from stanlocal.stan.options import ClientOptions
from stanlocal.stan.pub_encoders import FIRST_NUMBER, TOKEN, PubEncoders
from stanlocal.stan.refusals import server_error
from stanlocal.stan.state import ConnectionState, Listener
from stanlocal.stan.window import WindowQueue

STALL = 0.1
"""Seconds without any ack after which the active is asked for: a failover takes 0.3 s or more."""

RESEND_AFTER = 2.0
"""Seconds without an ack after which a message is sent again although the active answers; then doubled."""

TICK = 0.05
"""Seconds between two looks at the window while it holds anything."""

MAX_BYTES = 64 * 1024 * 1024
"""Bytes of unacknowledged messages that are kept, whatever their number; one message always fits."""


class Publisher(Listener, LinkListener):
    """The publishing half of a client."""

    def __init__(self, link: Link, options: ClientOptions, state: ConnectionState, unique: str) -> None:
        self._link = link
        self._nats = link.nats
        self._write_buffer = link.write_buffer
        self._options = options
        self._state = state
        self._retry = options.retry
        self._most = options.max_pub_acks_inflight
        self._ack_timeout = options.ack_timeout
        self._loop = asyncio.get_running_loop()
        self._prefix = f"{options.ack_prefix}.{unique}"
        self._token_at = len(self._prefix) + 1
        guid = unique.encode()  # and the message's token
        self._expected = b"\x0a%c%b" % (len(guid) + TOKEN, guid)
        self._ack_runs = wire.PubAckRuns(self._prefix, guid, TOKEN)
        self._number = FIRST_NUMBER
        self._inflight: dict[bytes, PublishAck] = {}
        self._bytes = 0
        self.full = False
        """Whether the window has no room for another message; while any waits, it has none."""
        self._queue = WindowQueue()
        self._encoders = PubEncoders(link, options, state, self._prefix, guid)
        self._held = False
        self._untaken: set[str] = set()
        self._active_until = 0.0
        self._closed: StanError | None = None
        self._progressed = False
        self._progress = 0.0
        self._stall_at = STALL
        self._next_due = float("inf")
        self._watch: asyncio.TimerHandle | None = None
        self._empty: asyncio.Future[None] | None = None
        state.listen(self)
        link.listen(self)

    async def open(self) -> None:
        """Subscribe to the acks."""
        await self._link.subscribe(f"{self._prefix}.*", self._acked, self._acked_run)

    def registered(self) -> None:
        """Publish for the new session from now on."""
        self._encoders.clear()

    def link_up(self) -> None:
        """Forget the limits of the server before: the next may have others."""
        self._encoders.clear()

    @property
    def inflight(self) -> int:
        """Messages without an answer yet."""
        return len(self._inflight)

    # Sending

    async def publish_in_turn(self, channel: str, payload: bytes, timeout: float | None) -> PublishAck:
        """Publish once the window, which is full, has room, behind all that wait for it already."""
        self._write_buffer.flush()
        return await self._queue.wait(lambda: self.publish(channel, payload, timeout))

    def publish(self, channel: str, payload: bytes, timeout: float | None) -> PublishAck:
        """Take the message into the window, which has room, and send it."""
        if self._closed is not None:
            raise self._closed
        if type(payload) is not bytes:
            payload = _as_bytes(payload)
        encoder = self._encoders[channel]
        size = len(payload)
        if size > encoder.most:
            raise self._encoders.too_large(channel, size)
        alone = not self._inflight
        token = b"%d" % self._number
        self._number += 1
        ack = PublishAck(loop=self._loop)
        ack.channel = channel
        ack.payload = payload
        ack.expected = self._expected + token
        ack.published = now = monotonic()
        ack.deadline = due = now + (self._ack_timeout if timeout is None else timeout)
        if self._retry:
            ack.again_at = now + RESEND_AFTER
            due = min(due, ack.again_at)
        elif not self._nats.is_connected:
            raise ConnectionInterrupted(
                f"publish to {channel!r}: not connected to NATS ({self._link.why_down}); "
                "nothing was sent, try again"
            )
        if due < self._next_due:
            self._next_due = due
        self._inflight[token] = ack
        self._bytes += size
        if len(self._inflight) >= self._most or self._bytes >= MAX_BYTES:
            self.full = True
        if not self._held:
            frame = encoder.frame(token, payload)
            if alone:
                self._write_buffer.send_now(frame)  # nothing to gather it with: a synchronous publish
            else:
                self._write_buffer.send(frame)
        if self._watch is None:
            self._progressed = True
            self._watch = self._loop.call_later(TICK, self._look)
        return ack

    # Answers

    def _acked(self, subject: bytes, data: bytes, reply: bytes, no_responders: bool) -> None:
        token = subject[self._token_at :]
        ack = self._inflight.get(token)
        if ack is None:
            return  # answered before, or given up: a late ack changes nothing
        if data == ack.expected:
            self._progressed = True
            self._settle(token, ack, None)
        elif no_responders:
            if not self._retry:
                self._settle(token, ack, self._no_active(ack))
            elif self._not_taken(ack.channel):
                return  # kept, and sent again by the clock
            self._state.suspect(lost=self._retry)
        else:
            self._refused(token, ack, data)

    def _acked_run(self, data: bytes, at: int, head: bytes) -> tuple[int, int, int]:
        """Settle the messages whose acks follow one in the same read, as a `RunReader`."""
        end, tokens, guids = self._ack_runs.read(data, at, head)
        take, freed, size = self._inflight.pop, False, 0
        for token, guid in zip(tokens, guids, strict=True):
            ack = take(token, None)
            if ack is None:
                continue  # as in `_acked`
            freed, size = True, size + len(ack.payload)
            if not ack.done():
                ack.set_result(guid)
        if freed:
            self._progressed = True
            self._freed(size)
        return end, len(tokens), len(tokens) * len(self._expected + tokens[0]) if tokens else 0

    def _not_taken(self, channel: str) -> bool:
        """Whether the active is there, and yet no server takes this channel; partitioning does that.

        A server that takes no message so soon after it answered a ping is not gone; asking again and sending
        everything again would find the same, thousands of times a second.
        """
        if channel not in self._untaken and not self._held and monotonic() < self._active_until:
            self._untaken.add(channel)
        return channel in self._untaken

    def _refused(self, token: bytes, ack: PublishAck, data: bytes) -> None:
        doing = f"publish to {ack.channel!r}"
        try:
            reply = wire.read_pub_ack(data)
        except BadReply as error:
            self._settle(token, ack, error)
            return
        if not reply.error:
            self._settle(
                token, ack, BadReply(f"{doing}: the ack is for {reply.guid!r:.80}, not for {ack.guid!r}")
            )
            return
        refusal = server_error(reply.error, doing)
        unknown = isinstance(refusal, InvalidPublishRequest)
        if not (unknown and self._retry and self._options.reconnect):  # else it is sent again once registered
            self._settle(token, ack, refusal)  # first, as the doubt below answers all that are left
        if unknown:
            self._state.suspect(lost=self._options.reconnect)

    def _settle(self, token: bytes, ack: PublishAck, error: StanError | None) -> None:
        del self._inflight[token]
        if not ack.done():
            if error is None:
                ack.set_result(ack.guid)
            else:
                ack.set_exception(error)
        self._freed(len(ack.payload))

    def _freed(self, size: int) -> None:
        """Give the room of messages of `size` bytes in all to those that wait for it."""
        self._bytes -= size
        self.full = len(self._inflight) >= self._most or self._bytes >= MAX_BYTES
        if self._empty is not None and not self._inflight and not self._empty.done():
            self._empty.set_result(None)
        while self._queue and not self.full:
            self._queue.publish_next()

    # Time

    def _look(self) -> None:
        """Handle deadlines, stalls and second attempts; runs every `TICK` while anything is unanswered."""
        if not self._inflight:
            self._watch = None
            self._next_due = float("inf")
            return
        now = monotonic()
        if now >= self._next_due:
            self._handle_due(now)
        if self._progressed or self._held:
            self._progressed = False
            self._progress, self._stall_at = now, STALL
        elif now - self._progress >= self._stall_at:
            self._stall_at *= 2
            self._state.suspect(lost=False)
        self._watch = self._loop.call_later(TICK, self._look) if self._inflight else None

    def _handle_due(self, now: float) -> None:
        self._next_due = float("inf")
        for token, ack in list(self._inflight.items()):
            if now >= ack.deadline:
                self._settle(token, ack, self._too_late(ack))
                continue
            due = ack.deadline
            if self._retry and not ack.done():
                if now >= ack.again_at:
                    ack.again_at += ack.again_at - ack.published
                    self._send_again(token, ack)
                due = min(due, ack.again_at)
            self._next_due = min(self._next_due, due)

    # The active comes and goes

    def active_lost(self) -> None:
        """Keep what was sent until `active_found` with `retry`, else fail it: it will not be answered."""
        if self._retry:
            self._held = True
            self._untaken.clear()
            return
        what = "the active server went away"
        if not self._link.connected:
            what = f"NATS dropped ({self._link.why_down})"
        for token, ack in list(self._inflight.items()):
            error = ConnectionInterrupted(
                f"publish to {ack.channel!r}: {what} before the ack; "
                "the message may or may not be stored, publish it again to be sure"
            )
            self._settle(token, ack, error)

    async def active_found(self) -> None:
        """Send all unanswered messages again, in the order of publishing, if `retry` holds them back."""
        if not self._held:
            return
        self._held = False
        self._progressed = True
        self._active_until = float("inf")
        for token, ack in list(self._inflight.items()):
            if token not in self._inflight:
                continue  # answered, or given up, while the loop waited for the server to read
            if ack.cancelled():
                self._settle(token, ack, None)
            elif not ack.done():
                self._send_again(token, ack)
                if self._write_buffer.congested:
                    await self._link.drain()
        self._write_buffer.flush()
        self._active_until = monotonic() + STALL

    def _send_again(self, token: bytes, ack: PublishAck) -> None:
        if not self._held:
            encoder = self._encoders[ack.channel]
            self._write_buffer.send(encoder.frame(token, ack.payload))

    async def settled(self) -> None:
        """Return when every message has its answer."""
        if self._inflight:
            if self._empty is None or self._empty.done():
                self._empty = self._loop.create_future()
            await asyncio.shield(self._empty)

    def ended(self, reason: StanError) -> None:
        """Fail all that is unanswered or waits for room, and all that comes, with that error."""
        self._closed = reason
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        for token, ack in list(self._inflight.items()):
            self._settle(token, ack, reason)

    def _no_active(self, ack: PublishAck) -> NoActiveServer:
        return NoActiveServer(
            f"publish to {ack.channel!r}: no server of cluster id {self._options.cluster_id!r} takes it "
            f"behind {self._link.url}: no node is active, or with partitioning, none serves the channel; "
            "the message is not stored, publish it again once a node is active"
        )

    def _too_late(self, ack: PublishAck) -> PublishTimeout:
        what = f"publish to {ack.channel!r}: no ack within {ack.deadline - ack.published:g} s"
        if ack.channel in self._untaken:
            return PublishTimeout(
                f"{what}: the active server behind {self._link.url} answers, but none takes this channel; "
                "does the server have partitioning? Then name the channel in store_limits.channels"
            )
        why = "no active server" if self._held else f"connected to {self._link.url}"
        return PublishTimeout(
            f"{what} ({why}); the message may or may not be stored, publish it again to be sure"
        )


def _as_bytes(payload: bytes | bytearray | memoryview) -> bytes:
    if isinstance(payload, bytes | bytearray | memoryview):
        return bytes(payload)
    raise TypeError(f"publish: data is {type(payload).__name__}; give bytes, for example text.encode()")
