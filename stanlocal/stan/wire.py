"""The protocol's bytes: encode and decode, nothing else. Pure.

Requests go through the generated classes. The two messages of the hot path, a publish and an
acknowledgement, are joined from prefixes that are made once: their fields but one or two are the
same every time, and protobuf allows fields in any order. Tests read them back with the
generated classes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol, TypeVar

from google.protobuf.message import DecodeError

from stanlocal.stan._pb import stan_pb2 as pb
from stanlocal.stan.errors import BadReply
from stanlocal.stan.start import DeliverAll, LastReceived, NewOnly, StartPosition, StartSequence, StartTime

PROTOCOL = 1
"""The protocol version a client states: 1 means that it sends pings."""


class _Decodable(Protocol):
    @classmethod
    def FromString(cls, data: bytes, /) -> _Decodable: ...  # noqa: N802 - protobuf's name


_M = TypeVar("_M", bound=_Decodable)


def decode(kind: type[_M], data: bytes) -> _M:
    """Return `data` decoded as a message of that kind; raise `BadReply` when it is not one."""
    try:
        message = kind.FromString(data)
    except DecodeError as error:
        raise BadReply(f"{len(data)} bytes from the server are not a {kind.__name__}: {error}") from error
    assert isinstance(message, kind)
    return message


def varint(number: int) -> bytes:
    """Return a non-negative integer as protobuf writes it: seven bits a byte, lowest first."""
    if number < 0x80:
        return bytes((number,))
    if number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7))
    if number < 0x200000:
        return bytes((number & 0x7F | 0x80, number >> 7 & 0x7F | 0x80, number >> 14))
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _string(tag: int, text: bytes) -> bytes:
    return bytes((tag,)) + varint(len(text)) + text


class PubEncoder:
    """Encoder of the NATS `PUB` frames of one channel's messages on one connection."""

    __slots__ = ("_fields", "_reply", "_size", "_sized", "channel", "most", "overhead")

    def __init__(
        self, pub_prefix: str, ack_prefix: str, channel: str, client_id: str, conn_id: bytes
    ) -> None:
        self.channel = channel
        self._reply = f"PUB {pub_prefix}.{channel} {ack_prefix}.".encode()
        self._fields = (
            _string(0x0A, client_id.encode())
            + _string(0x1A, channel.encode())
            + _string(0x32, conn_id)
            + b"\x12"  # the guid's tag: its length and text are those of the ack
        )
        self._size = -1
        self._sized = b""
        self.overhead = len(self._fields) + 64
        """Most bytes that a message has besides its payload."""
        self.most = 0
        """Most bytes of a payload that the server accepts; set by the publisher."""

    def frame(self, token: bytes, expected: bytes, data: bytes) -> bytes:
        """Return the frame that publishes `data` and asks for `expected` as ack on `<ack prefix>.<token>`."""
        size = len(data)
        if size != self._size:
            self._size, self._sized = size, b"\x2a" + varint(size)
        sized, fields = self._sized, self._fields
        length = len(fields) + len(expected) - 1 + len(sized) + size
        return b"%b%b %d\r\n%b%b%b%b\r\n" % (
            self._reply, token, length, fields, expected[1:], sized, data
        )  # fmt: skip


class AckEncoder:
    """Encoder of the NATS `PUB` frames of one subscription's acknowledgements."""

    __slots__ = ("_fields", "_fixed", "_subject")

    def __init__(self, ack_inbox: str, channel: str) -> None:
        self._subject = f"PUB {ack_inbox} ".encode()
        self._fields = _string(0x0A, channel.encode()) + b"\x10"
        self._fixed = len(self._fields)

    def frame(self, sequence: int) -> bytes:
        """Return the frame that acknowledges that sequence."""
        number = varint(sequence)
        return b"%b%d\r\n%b%b\r\n" % (self._subject, self._fixed + len(number), self._fields, number)


class AckReply(NamedTuple):
    """Contents of a `PubAck`; `error` is empty when the message is stored."""

    guid: str
    error: str


def read_pub_ack(data: bytes) -> AckReply:
    """Parse the server's answer to a publish."""
    ack = decode(pb.PubAck, data)
    return AckReply(ack.guid, ack.error)


def subscription_request(
    *,
    client_id: str,
    channel: str,
    inbox: str,
    start: StartPosition,
    now: datetime,
    queue_group: str = "",
    durable_name: str = "",
    max_inflight: int,
    ack_wait: int,
) -> bytes:
    """Return a subscription request; `ack_wait` is in seconds, a start time is counted back from `now`."""
    request = pb.SubscriptionRequest(
        client_id=client_id,
        subject=channel,
        inbox=inbox,
        queue_group=queue_group,
        durable_name=durable_name,
        max_in_flight=max_inflight,
        ack_wait=ack_wait,
    )
    if isinstance(start, NewOnly):
        request.start_position = pb.StartPosition.NewOnly
    elif isinstance(start, LastReceived):
        request.start_position = pb.StartPosition.LastReceived
    elif isinstance(start, DeliverAll):
        request.start_position = pb.StartPosition.First
    elif isinstance(start, StartSequence):
        request.start_position = pb.StartPosition.SequenceStart
        request.start_sequence = start.sequence
    else:
        ago = now - start.time.astimezone(UTC) if isinstance(start, StartTime) else start.ago
        request.start_position = pb.StartPosition.TimeDeltaStart
        request.start_time_delta = ago // timedelta(microseconds=1) * 1000
    return request.SerializeToString()
