"""The protocol's bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.stan import wire
from stanlocal.stan._pb import stan_pb2 as pb
from stanlocal.stan.errors import BadReply, ServerError
from stanlocal.stan.session import connect_request, read_connect_response
from stanlocal.stan.start import (
    DeliverAll,
    LastReceived,
    NewOnly,
    StartPosition,
    StartSequence,
    StartTime,
    StartTimeDelta,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

channels = st.from_regex(r"[a-zA-Z0-9_-]{1,20}(\.[a-zA-Z0-9_-]{1,20}){0,3}", fullmatch=True)
client_ids = st.from_regex(r"[a-zA-Z0-9_-]{1,40}", fullmatch=True)


def split(frame: bytes) -> tuple[bytes, bytes, bytes]:
    """A PUB frame's subject, reply and payload; fails when the length it states is not the payload's."""
    head, _, rest = frame.partition(b"\r\n")
    verb, subject, *reply, length = head.split(b" ")
    assert verb == b"PUB"
    assert rest.endswith(b"\r\n")
    payload = rest[:-2]
    assert len(payload) == int(length)
    return subject, reply[0] if reply else b"", payload


@given(st.integers(0, 2**64 - 1))
def test_varint_is_protobufs(number: int) -> None:
    """Our varint is what protobuf itself writes for an unsigned integer."""
    assert (
        b"\x10" * bool(number) + wire.varint(number) * bool(number)
        == pb.Ack(sequence=number).SerializeToString()
    )


@given(
    channels,
    client_ids,
    st.binary(min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(10**13, 10**14 - 1), st.binary(max_size=70_000)), min_size=1, max_size=4),
)
def test_publish_frame_reads_back(
    channel: str, client_id: str, conn_id: bytes, messages: list[tuple[int, bytes]]
) -> None:
    """The generated class reads from each publish frame exactly what went in, whatever went in before."""
    encoder = wire.PubEncoder("_STAN.pub.x", "_STAN.acks.me", channel, client_id, conn_id, b"unique", 14)
    for number, data in messages:
        token = b"%d" % number
        subject, reply, payload = split(encoder.frame(token, data))
        assert len(payload) - len(data) <= encoder.overhead
        assert subject == f"_STAN.pub.x.{channel}".encode()
        assert reply == b"_STAN.acks.me." + token
        assert pb.PubMsg.FromString(payload) == pb.PubMsg(
            client_id=client_id, guid=f"unique{number}", subject=channel, data=data, conn_id=conn_id
        )


@given(channels, st.lists(st.integers(1, 2**64 - 1), max_size=5), st.integers(1, 2**40))
def test_ack_frames_read_back(channel: str, anywhere: list[int], first: int) -> None:
    """The generated class reads channel and sequence from each acknowledgement, in a row or not."""
    encoder = wire.AckEncoder("_INBOX.a", channel)
    for sequences in ([*anywhere, *range(first, first + 300)], anywhere, [first]):
        rest = encoder.frames(sequences)
        for sequence in sequences:
            end = rest.index(b"\r\n") + 2
            end += int(rest[:end].split()[-1]) + 2
            subject, reply, payload = split(rest[:end])
            assert (subject, reply) == (b"_INBOX.a", b"")
            assert pb.Ack.FromString(payload) == pb.Ack(subject=channel, sequence=sequence)
            rest = rest[end:]
        assert rest == b""


def stored(token: int, guid: str = "", unique: str = "unique") -> bytes:
    """A NATS message with the ack of a message that is stored."""
    payload = pb.PubAck(guid=guid or f"{unique}{token}").SerializeToString()
    return b"MSG acks.%d 7 %d\r\n%b\r\n" % (token, len(payload), payload)


OTHER_THAN_STORED = {
    "another guid": stored(12, "unique13"),
    "another connection's guid": stored(12, unique="Unique"),
    "a refusal": b"MSG acks.12 7 21\r\n\x0a\x08unique12\x12\x09too large\r\n",
    "a PING": b"PING\r\n",
    "no responders": b"HMSG acks.12 7 16 16\r\nNATS/1.0 503\r\n\r\n\r\n",
    "another subscription": stored(12).replace(b" 7 ", b" 8 "),
    "one that is cut": stored(12)[:-1],
}


@pytest.mark.parametrize("other", OTHER_THAN_STORED.values(), ids=OTHER_THAN_STORED.keys())
@pytest.mark.parametrize("count", [0, 3])
def test_a_run_of_acks_ends_at_what_says_anything_else(other: bytes, count: int) -> None:
    """Messages that are stored are taken in their order, and nothing that may have another meaning."""
    runs = wire.PubAckRuns("acks", b"unique", 2)
    first, run = stored(50), b"".join(stored(20 - each) for each in range(count))
    head = first[: first.index(b"\n") + 1]
    end, tokens, guids = runs.read(first + run + other + stored(60), len(first), head)
    assert end == len(first + run)
    assert tokens == [b"%d" % (20 - each) for each in range(count)]
    assert guids == [f"unique{20 - each}" for each in range(count)]
    assert runs.read(run, 0, head) == (len(run), tokens, guids)


@given(st.binary(max_size=200))
@pytest.mark.parametrize(
    "kind", [pb.PubAck, pb.MsgProto, pb.ConnectResponse, pb.SubscriptionResponse, pb.CtrlMsg]
)
def test_garbage_is_one_error(kind: Any, data: bytes) -> None:
    """Any bytes either are a message of the kind, or raise `BadReply`; nothing else happens."""
    try:
        message = wire.decode(kind, data)
    except BadReply:
        return
    assert isinstance(message, kind)


@given(st.binary(max_size=200))
def test_garbage_for_a_connect_response_is_one_error(data: bytes) -> None:
    """Any bytes are a session, a refusal, or `BadReply`."""
    try:
        session = read_connect_response(data, "me", b"c")
    except (BadReply, ServerError):
        return
    assert session.pub_prefix


def test_connect_request_says_what_the_server_needs() -> None:
    """Ids, heartbeat inbox, protocol 1 and the ping times go into the connect request."""
    request = pb.ConnectRequest.FromString(connect_request("me", b"conn", "_INBOX.hb", 5, 88))
    assert request == pb.ConnectRequest(
        client_id="me",
        conn_id=b"conn",
        heartbeat_inbox="_INBOX.hb",
        protocol=1,
        ping_interval=5,
        ping_max_out=88,
    )


def test_connect_response_becomes_the_session() -> None:
    """Every subject comes from the server's answer."""
    answer = pb.ConnectResponse(
        pub_prefix="p",
        sub_requests="s",
        unsub_requests="u",
        close_requests="c",
        sub_close_requests="sc",
        ping_requests="pi",
        ping_interval=5,
        ping_max_out=9,
        protocol=1,
    )
    session = read_connect_response(answer.SerializeToString(), "me", b"conn")
    assert (session.pub_prefix, session.sub_requests, session.unsub_requests) == ("p", "s", "u")
    assert (session.close_requests, session.sub_close_requests, session.ping_requests) == ("c", "sc", "pi")
    assert (session.ping_interval, session.ping_max_out, session.pings) == (5, 9, True)
    assert pb.Ping.FromString(session.ping).conn_id == b"conn"


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (NewOnly(), {"start_position": pb.StartPosition.NewOnly}),
        (LastReceived(), {"start_position": pb.StartPosition.LastReceived}),
        (DeliverAll(), {"start_position": pb.StartPosition.First}),
        (StartSequence(7), {"start_position": pb.StartPosition.SequenceStart, "start_sequence": 7}),
        (
            StartTimeDelta(timedelta(seconds=1, microseconds=5)),
            {"start_position": pb.StartPosition.TimeDeltaStart, "start_time_delta": 1_000_005_000},
        ),
        (
            StartTime(NOW - timedelta(minutes=1)),
            {"start_position": pb.StartPosition.TimeDeltaStart, "start_time_delta": 60 * 10**9},
        ),
        (
            StartTime(NOW + timedelta(minutes=1)),
            {"start_position": pb.StartPosition.TimeDeltaStart, "start_time_delta": -60 * 10**9},
        ),
    ],
)
def test_start_positions(start: StartPosition, expected: dict[str, Any]) -> None:
    """Each start position is the protocol's; times are distances from now in nanoseconds."""
    request = wire.subscription_request(
        client_id="me", channel="foo", inbox="_INBOX.x", start=start, now=NOW, max_inflight=10, ack_wait=3
    )
    assert pb.SubscriptionRequest.FromString(request) == pb.SubscriptionRequest(
        client_id="me", subject="foo", inbox="_INBOX.x", max_in_flight=10, ack_wait=3, **expected
    )


def test_durable_and_queue_group_go_into_the_request() -> None:
    """Durable name and queue group are the protocol's own fields."""
    request = pb.SubscriptionRequest.FromString(
        wire.subscription_request(
            client_id="me",
            channel="foo",
            inbox="i",
            start=NewOnly(),
            now=NOW,
            durable_name="d",
            queue_group="q",
            max_inflight=1,
            ack_wait=1,
        )
    )
    assert (request.durable_name, request.queue_group) == ("d", "q")
