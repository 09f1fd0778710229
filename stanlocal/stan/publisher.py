"""Publishing: the window of unacknowledged messages, their acks, deadlines and second attempts.

Each message has an ack subject of its own below the connection's ack prefix. That is what lets a
"no responders" answer, which carries nothing, be told apart from the others: its subject names the
message it is about.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from stanlocal.stan import names, wire
from stanlocal.stan.errors import (
    BadReply,
    ConnectionInterrupted,
    InvalidPublishRequest,
    NoActiveServer,
    PayloadTooLarge,
    PublishTimeout,
    StanError,
    server_error,
)
from stanlocal.stan.link import Delivery, Link, no_responders
from stanlocal.stan.options import ClientOptions

if TYPE_CHECKING:
    from stanlocal.stan.session import Session

STALL = 0.1
"""Seconds without any ack after which we ask whether the active is there: a failover takes 0.3 s or more."""

RESEND_AFTER = 2.0
"""Seconds without an ack after which a message is sent again although the active answers; then doubled."""

TICK = 0.05
"""Seconds between two looks at the window while it holds anything."""

MAX_BYTES = 64 * 1024 * 1024
"""Bytes of unacknowledged messages that are kept, whatever their number; one message always fits."""

ENCODERS = 1024
"""Channels whose prefixes are kept."""


class PublishAck(asyncio.Future[str]):
    """Await it for the message's guid, once stored; it raises what `Client.publish` raises.

    Cancelling it gives up waiting: a message that was sent may be stored all the same, one that was
    not is never sent.
    """

    __slots__ = ("again_after", "again_at", "channel", "deadline", "expected", "payload", "wait")

    channel: str
    payload: bytes
    expected: bytes
    wait: float
    deadline: float
    again_after: float
    again_at: float

    @property
    def guid(self) -> str:
        """The message's unique id, as the server acknowledges it."""
        return self.expected[2:].decode()


class Publisher:
    """The publishing half of a client.

    `on_no_active` is called when NATS says that nobody took a message, `on_stall` when acks stay
    away, `on_unregistered` when the server no longer knows the client.
    """

    def __init__(self, link: Link, options: ClientOptions, unique: str) -> None:
        self._link = link
        self._options = options
        self._retry = options.retry
        self._loop = asyncio.get_running_loop()
        self._prefix = f"{options.ack_prefix}.{unique}"
        self._token_at = len(self._prefix) + 1
        self._guid = f"{unique}%010d".encode()
        self._number = 0
        self._inflight: dict[str, PublishAck] = {}
        self._bytes = 0
        self._room: deque[asyncio.Future[None]] = deque()
        self._encoders: dict[str, wire.PubEncoder] = {}
        self._session: Session
        self._held = False
        self._closed: StanError | None = None
        self._progress = 0.0
        self._stall_at = STALL
        self._next_due = float("inf")
        self._watch: asyncio.TimerHandle | None = None
        self._empty: asyncio.Future[None] | None = None
        self.on_no_active: Callable[[], None]
        self.on_stall: Callable[[], None]
        self.on_unregistered: Callable[[], None]

    async def open(self, session: Session) -> None:
        """Subscribe to the acks and publish for that session from now on."""
        self.use(session)
        await self._link.subscribe(f"{self._prefix}.*", self._acked)

    def use(self, session: Session) -> None:
        """Publish for that session from now on."""
        self._session = session
        self._encoders.clear()

    @property
    def inflight(self) -> int:
        """Messages without an answer yet."""
        return len(self._inflight)

    # Sending

    async def publish(self, channel: str, payload: bytes, timeout: float | None) -> PublishAck:
        """Take the message into the window, once there is room, and send it."""
        encoder = self._encoders.get(channel) or self._encoder(channel)
        while len(self._inflight) >= self._options.max_pub_acks_inflight or self._bytes >= MAX_BYTES:
            await self._wait_for_room()
        if self._closed is not None:
            raise self._closed
        size = encoder.overhead + 40 + len(payload)
        if size > self._link.max_payload:
            limit = self._link.max_payload
            raise PayloadTooLarge(
                f"publish to {channel!r}: {len(payload)} bytes are too many, the server takes {limit} with "
                "the protocol's own; send less or raise the server's max_payload",
                len(payload),
                limit,
            )
        if not self._retry and not self._link.connected:
            raise ConnectionInterrupted(
                f"publish to {channel!r}: not connected to NATS ({self._reason()}); "
                "nothing was sent, try again"
            )
        self._number += 1
        token = str(self._number)
        guid = self._guid % self._number
        ack = PublishAck(loop=self._loop)
        ack.channel = channel
        ack.payload = payload
        ack.expected = b"\n%c%b" % (len(guid), guid)
        ack.wait = timeout if timeout is not None else self._options.ack_timeout
        now = self._loop.time()
        ack.deadline = now + ack.wait
        ack.again_after = RESEND_AFTER
        ack.again_at = now + RESEND_AFTER
        due = ack.again_at if self._retry and ack.again_at < ack.deadline else ack.deadline
        if due < self._next_due:
            self._next_due = due
        if not self._inflight:
            self._progress, self._stall_at = now, STALL
        self._inflight[token] = ack
        self._bytes += len(payload)
        if not self._held:
            self._link.send(encoder.frame(token.encode(), guid, payload))
        if self._watch is None:
            self._watch = self._loop.call_later(TICK, self._look)
        return ack

    async def settle(self) -> None:
        """Give the loop its turn when much was sent at once: the server's pace is ours."""
        if self._link.congested:
            await self._link.drain()

    def flush_if_alone(self) -> None:
        """Write now what would else wait for the end of the loop's turn, when there is nothing to gather."""
        if len(self._inflight) == 1:
            self._link.flush()

    def _encoder(self, channel: str) -> wire.PubEncoder:
        names.check_channel(channel)
        if len(self._encoders) >= ENCODERS:
            self._encoders.clear()
        session = self._session
        encoder = wire.PubEncoder(
            session.pub_prefix, self._prefix, channel, session.client_id, session.conn_id
        )
        self._encoders[channel] = encoder
        return encoder

    async def _wait_for_room(self) -> None:
        self._link.flush()
        turn: asyncio.Future[None] = self._loop.create_future()
        self._room.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._room.remove(turn)
            else:
                self._give_room()  # it was our turn: the next one's now
            raise

    def _give_room(self) -> None:
        while self._room:
            turn = self._room.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    # Answers

    def _acked(self, message: Delivery) -> None:
        token = message.subject[self._token_at :]
        ack = self._inflight.get(token)
        if ack is None:
            return  # answered before, or given up: a late ack says nothing new
        if message.data == ack.expected:
            self._progress, self._stall_at = self._loop.time(), STALL
            self._settle(token, ack, None)
        elif no_responders(message):
            if self._retry:
                self.on_no_active()
            else:
                self._settle(token, ack, self._no_active(ack))
                self.on_no_active()
        else:
            self._refused(token, ack, message.data)

    def _refused(self, token: str, ack: PublishAck, data: bytes) -> None:
        doing = f"publish to {ack.channel!r}"
        try:
            reply = wire.read_pub_ack(data)
        except BadReply as error:
            self._settle(token, ack, error)
            return
        if not reply.error:
            self._settle(
                token, ack, BadReply(f"{doing}: the ack is for {reply.guid!r}, not for {ack.guid!r}")
            )
            return
        refusal = server_error(reply.error, doing)
        if self._retry and self._options.reconnect and isinstance(refusal, InvalidPublishRequest):
            self.on_unregistered()  # kept, and sent again for the new registration
        else:
            self._settle(token, ack, refusal)

    def _settle(self, token: str, ack: PublishAck, error: StanError | None) -> None:
        del self._inflight[token]
        self._bytes -= len(ack.payload)
        if not ack.done():
            if error is None:
                ack.set_result(ack.guid)
            else:
                ack.set_exception(error)
        if self._room:
            self._give_room()
        if self._empty is not None and not self._inflight and not self._empty.done():
            self._empty.set_result(None)

    # Time

    def _look(self) -> None:
        """Deadlines, stalls and second attempts; runs every `TICK` while anything is unanswered."""
        self._watch = None
        if not self._inflight:
            self._next_due = float("inf")
            return
        now = self._loop.time()
        if now >= self._next_due:
            self._see_to_what_is_due(now)
        if not self._held and now - self._progress >= self._stall_at:
            self._stall_at *= 2
            self.on_stall()
        if self._inflight:
            self._watch = self._loop.call_later(TICK, self._look)

    def _see_to_what_is_due(self, now: float) -> None:
        self._next_due = float("inf")
        for token, ack in list(self._inflight.items()):
            if now >= ack.deadline:
                self._settle(token, ack, self._too_late(ack))
                continue
            due = ack.deadline
            if self._retry and not ack.done():
                if now >= ack.again_at:
                    ack.again_after *= 2
                    self._send_again(token, ack, now)
                due = min(due, ack.again_at)
            self._next_due = min(self._next_due, due)

    # The active comes and goes

    def interrupted(self) -> None:
        """What was sent will not be answered: with `retry` it is kept until `resume`, else it fails."""
        if self._retry:
            self._held = True
            return
        what = "the active server went away" if self._link.connected else f"NATS dropped ({self._reason()})"
        for token, ack in list(self._inflight.items()):
            error = ConnectionInterrupted(
                f"publish to {ack.channel!r}: {what} before the ack; "
                "the message may or may not be stored, publish it again to be sure"
            )
            self._settle(token, ack, error)

    async def resume(self) -> None:
        """With `retry`: send again, in the order of publishing, all that has no answer."""
        if not self._held:
            return
        self._held = False
        now = self._loop.time()
        self._progress, self._stall_at = now, STALL
        for token, ack in list(self._inflight.items()):
            if ack.cancelled():
                self._settle(token, ack, None)
            else:
                self._send_again(token, ack, now)
                await self.settle()
        self._link.flush()

    def _send_again(self, token: str, ack: PublishAck, now: float) -> None:
        ack.again_at = now + ack.again_after
        if not self._held:
            encoder = self._encoders.get(ack.channel) or self._encoder(ack.channel)
            self._link.send(encoder.frame(token.encode(), ack.expected[2:], ack.payload))

    async def settled(self) -> None:
        """Return when every message has its answer."""
        if self._inflight:
            if self._empty is None or self._empty.done():
                self._empty = self._loop.create_future()
            await asyncio.shield(self._empty)

    def close(self, reason: StanError) -> None:
        """Fail all that is unanswered or waits for room, and all that comes, with that error."""
        self._closed = reason
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        for token, ack in list(self._inflight.items()):
            self._settle(token, ack, reason)
        while self._room:
            self._give_room()

    def _reason(self) -> str:
        return str(self._link.last_error or "connection lost").removeprefix("nats: ")

    def _no_active(self, ack: PublishAck) -> NoActiveServer:
        return NoActiveServer(
            f"publish to {ack.channel!r}: no active server for cluster id {self._options.cluster_id!r} "
            f"behind {self._link.url}; the message is not stored, publish it again once a node is active"
        )

    def _too_late(self, ack: PublishAck) -> PublishTimeout:
        why = "no active server" if self._held else f"connected to {self._link.url}"
        return PublishTimeout(
            f"publish to {ack.channel!r}: no ack within {ack.wait:g} s ({why}); "
            "the message may or may not be stored, publish it again to be sure"
        )
