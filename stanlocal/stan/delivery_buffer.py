"""The deliveries of one subscription, kept as read from NATS until they can be handed over."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable

from google.protobuf.message import DecodeError

from stanlocal.stan._pb import stan_pb2 as pb
from stanlocal.stan.errors import BadReply
from stanlocal.stan.message import Acknowledger, Message

_parse = pb.MsgProto.FromString
_new = Message.__new__


class DeliveryBuffer:
    """Deliveries in the order in which they were read: twice `max_inflight` at most."""

    def __init__(self, max_inflight: int) -> None:
        self._max_inflight = max_inflight
        self._wake: asyncio.Future[None] | None = None
        self._head = b""
        self._next_head = re.compile(b"")
        self.kept: deque[bytes] = deque()
        self.takes_more = True
        """Whether deliveries are kept that come from now on."""

    def wake(self) -> None:
        """Have `wait` return."""
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def wait(self) -> None:
        """Return when a delivery has come, or `wake` is called."""
        self._wake = asyncio.get_running_loop().create_future()
        try:
            await self._wake
        finally:
            self._wake = None

    def take(self, subscription: Acknowledger, report: Callable[[BadReply], None]) -> Message | None:
        """Return the next message; what is not one goes to `report` and is skipped."""
        kept = self.kept
        while kept:
            data = kept.popleft()
            try:
                proto = _parse(data)
            except DecodeError as error:
                report(BadReply(f"{len(data)} bytes from the server are not a MsgProto: {error}"))
                continue
            sequence = proto.sequence
            if not sequence:
                report(BadReply(f"{len(data)} bytes from the server are a message without a sequence"))
                continue
            message = _new(Message)  # its fields are set here: calling the class takes twice as long
            message._subscription = subscription
            message._acked = False
            message.sequence = sequence
            message.data = proto.data
            message.timestamp = proto.timestamp
            message.redelivered = proto.redelivered
            message.redelivery_count = proto.redelivery_count
            return message
        return None

    def receive(self, subject: bytes, data: bytes, reply: bytes, no_responders: bool) -> None:
        """Keep a delivery."""
        if self.takes_more:
            excess = len(self.kept) - self._max_inflight
            if excess >= 0 and (excess >= self._max_inflight or _is_redelivery(data)):
                return  # it is kept already, or comes again: the server has at most that many outstanding
            self.kept.append(data)
            self.wake()

    def receive_run(self, data: bytes, at: int, head: bytes) -> tuple[int, int, int]:
        """Keep the deliveries that follow one of them in the same read, as a `RunReader`.

        Most have a control line equal to the one before, as messages of a channel often have one size.
        """
        inbox, _, digits = head[:-2].rpartition(b" ")
        if inbox != self._head:  # the first run, or another inbox since the subscription was made again
            self._head, self._next_head = inbox, re.compile(re.escape(inbox) + rb" (\d{1,8})\r\n")
        size, same, head_size, length = len(data), data.startswith, len(head), int(digits)
        run: list[bytes] = []
        total = 0
        while True:
            if same(head, at):
                begin = at + head_size
            elif (other := self._next_head.match(data, at)) is not None:
                head, length, begin = other[0], int(other[1]), other.end()
                head_size = len(head)
            else:
                break
            end = begin + length
            if end + 2 > size:
                break
            run.append(data[begin:end])
            total += length
            at = end + 2
        if self.takes_more and len(self.kept) + len(run) <= self._max_inflight:
            self.kept.extend(run)
            self.wake()
        else:
            for each in run:
                self.receive(b"", each, b"", False)
        return at, len(run), total


def _is_redelivery(data: bytes) -> bool:
    try:
        return _parse(data).redelivered
    except DecodeError:
        return True  # not a message at all, so nothing is lost
