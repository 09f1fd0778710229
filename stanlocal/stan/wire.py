"""The protocol's bytes: encode and decode, nothing else. Pure.

Requests go through the generated classes. The two messages of the hot path, a publish and an
acknowledgement, are joined from prefixes that are made once: their fields but one or two are the
same every time, and protobuf allows fields in any order. Tests read them back with the
generated classes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
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
    """Encoder of the NATS `PUB` frames of one channel's messages on one connection.

    A message's guid is `unique`, the connection's own part, and the message's token, which is also the last
    part of its ack subject. All tokens have `token_size` bytes.
    """

    __slots__ = (
        "_fields",
        "_middle",
        "_reply",
        "_size",
        "_sized",
        "_token_size",
        "channel",
        "most",
        "overhead",
    )

    def __init__(
        self,
        pub_prefix: str,
        ack_prefix: str,
        channel: str,
        client_id: str,
        conn_id: bytes,
        unique: bytes,
        token_size: int,
    ) -> None:
        self.channel = channel
        self._token_size = token_size
        self._reply = f"PUB {pub_prefix}.{channel} {ack_prefix}.".encode()
        self._fields = (
            _string(0x0A, client_id.encode())
            + _string(0x1A, channel.encode())
            + _string(0x32, conn_id)
            + b"\x12%c%b" % (len(unique) + token_size, unique)
        )
        self._size = -1
        self._middle = b""
        self._sized = b""
        self.overhead = len(self._fields) + token_size + 16
        """Most bytes that a message has besides its payload."""
        self.most = 0
        """Most bytes of a payload that the server accepts; set by the publisher."""

    def frame(self, token: bytes, data: bytes) -> bytes:
        """Return the frame that publishes `data` and asks for the ack on `<ack prefix>.<token>`."""
        size = len(data)
        if size != self._size:  # else what it decides is as before
            self._size, self._sized = size, b"\x2a" + varint(size)
            length = len(self._fields) + self._token_size + len(self._sized) + size
            self._middle = b" %d\r\n%b" % (length, self._fields)
        return b"".join((self._reply, token, self._middle, token, self._sized, data, b"\r\n"))


_ONLY = [bytes((number,)) for number in range(0x80)]
_LOWEST = [bytes((number | 0x80,)) for number in range(0x80)]
"""The lowest seven bits of a varint: all of it, and the first byte of several."""


class AckEncoder:
    """Encoder of the NATS `PUB` frames of one subscription's acknowledgements.

    Sequences that differ only in their lowest seven bits, as 128 in a row do, have frames that differ in one
    byte: the bytes before and after it are kept.
    """

    __slots__ = ("_after", "_before", "_fields", "_high", "_lowest", "_subject")

    def __init__(self, ack_inbox: str, channel: str) -> None:
        self._subject = f"PUB {ack_inbox} ".encode()
        self._fields = _string(0x0A, channel.encode()) + b"\x10"
        self._keep(0)

    def _keep(self, high: int) -> None:
        rest = varint(high) if high else b""
        length = len(self._fields) + 1 + len(rest)
        self._high = high
        self._lowest = _LOWEST if high else _ONLY
        self._before = b"%b%d\r\n%b" % (self._subject, length, self._fields)
        self._after = rest + b"\r\n"

    def frames(self, sequences: Iterable[int]) -> bytes:
        """Return the frames that acknowledge those sequences, one after another."""
        parts: list[bytes] = []
        for sequence in sequences:
            if sequence >> 7 != self._high:
                self._keep(sequence >> 7)
            parts += (self._before, self._lowest[sequence & 0x7F], self._after)
        return b"".join(parts)


class PubAckRuns:
    """Reader of the acks of one connection that follow one another in what was read from NATS.

    Takes only acks of messages that are stored: they all have one size, and differ only in the token.
    """

    __slots__ = ("_begin", "_guid_size", "_pattern", "_prefix", "_size", "_token_size", "_unique")

    def __init__(self, ack_prefix: str, unique: bytes, token_size: int) -> None:
        self._prefix = f"{ack_prefix}.".encode()
        self._unique = unique
        self._token_size = token_size
        self._guid_size = len(unique) + token_size
        self._begin = len(b"MSG ") + len(self._prefix)
        self._size = 0
        self._pattern: re.Pattern[bytes] | None = None

    def read(self, data: bytes, at: int, head: bytes) -> tuple[int, list[bytes], list[str]]:
        """Return where the run from `at` on ends, its messages' tokens, and their guids.

        `head` is the control line of an ack before it: it names the subscription.
        """
        if self._pattern is None:
            line = b" %b %d\r\n" % (head.split(b" ", 3)[2], self._guid_size + 2)
            guid = b"\n%c%b" % (self._guid_size, self._unique)
            self._pattern = re.compile(
                rb"(?:MSG %b(\d{%d})%b%b\1\r\n)++"
                % (re.escape(self._prefix), self._token_size, re.escape(line), re.escape(guid))
            )
            self._size = self._begin + self._token_size + len(line) + self._guid_size + 4
        run = self._pattern.match(data, at)
        if run is None:
            return at, [], []
        end = run.end()
        text = data[at:end].decode("latin-1")
        guid_at = self._size - self._guid_size - 2
        return (
            end,
            [data[i : i + self._token_size] for i in range(at + self._begin, end, self._size)],
            [text[i : i + self._guid_size] for i in range(guid_at, end - at, self._size)],
        )


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
