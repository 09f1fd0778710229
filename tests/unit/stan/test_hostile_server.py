"""A client of a server that sends anything: an error or a reconnect, never a hang or an endless buffer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from stanlocal import stan
from stanlocal.stan import errors
from stanlocal.stan._pb import stan_pb2 as pb
from tests.support.cost import processor_time_below, waiting_below
from tests.unit.stan.hostile_server import CLUSTER, INFO, HostileServer, grant, hostile_server

LONG = b"9" * 5000


async def connect(url: str, **options: object) -> stan.Client:
    async with asyncio.timeout(10):
        return await stan.connect(url, cluster_id=CLUSTER, client_id="me", request_timeout=2, **options)  # type: ignore[arg-type]


def info(**changed: object) -> bytes:
    return b"INFO " + json.dumps({**INFO, **changed}).encode() + b"\r\n"


BROKEN_LINES = {
    "unknown operation": b"GET / HTTP/1.1\r\n",
    "binary": bytes(range(14, 256)) + b"\r\n",
    "empty line": b"\r\n",
    "MSG without an end": b"MSG " + b"a" * 100_000,
    "HMSG without an end": b"HMSG " + b"a" * 100_000,
    "INFO without an end": b"INFO" + b" " * 200_000,
    "spaces without an end": b" " * 100_000,
    "MSG of 5,000 digits": b"MSG s 1 " + LONG + b"\r\n",
    "MSG to the client's inbox, of 4,000 digits": b"MSG s 2 " + LONG[:4000] + b"\r\n",
    "MSG of 4 GB": b"MSG s 1 4294967296\r\n",
    "MSG of 99 MB": b"MSG s 1 99999999\r\n",
    "MSG of a negative length": b"MSG s 1 -5\r\n",
    "MSG without a length": b"MSG s 1\r\n",
    "MSG of too many fields": b"MSG s 1 r r 0\r\n\r\n",
    "MSG of a subscription that is no number": b"MSG s x 0\r\n\r\n",
    "MSG with arabic digits": "MSG s 1 ٣\r\n".encode(),
    "HMSG with more headers than bytes": b"HMSG s 1 10 5\r\n12345\r\n",
    "HMSG with headers of one byte": b"HMSG %SID% 1 1\r\nx\r\n",
    "HMSG with a status of bad UTF-8": b"HMSG %SID% 16 16\r\nNATS/1.0 \xff\xfe\xfd\r\n\r\n\r\n",
    "HMSG of a subject of bad UTF-8": b"HMSG \xff\xfe %NUMBER% 12 12\r\nNATS/1.0\r\n\r\n\r\n",
    "INFO that is no JSON": b"INFO {nothing\r\n",
    "INFO of bad UTF-8": b"INFO \xff\xff\r\n",
    "INFO that is a list": b"INFO []\r\n",
    "INFO nested too deep": b"INFO " + b"[" * 60_000 + b"\r\n",
    "INFO with a number of 5,000 digits": b'INFO {"a": ' + LONG + b"}\r\n",
    "INFO with URLs that are a number": info(connect_urls=5),
    "INFO with URLs that are numbers": info(connect_urls=[5]),
    "INFO with a URL that is none": info(connect_urls=["[::1"]),
}


@pytest.mark.parametrize("sent", BROKEN_LINES.values(), ids=BROKEN_LINES.keys())
async def test_the_client_reconnects_after_what_is_not_nats(sent: bytes) -> None:
    """The connection is dropped within a second, and the next one works."""
    async with hostile_server() as (server, url):
        client = await connect(url, ping_interval=60)
        number = next(iter(server.numbers.values()))
        with waiting_below(5), processor_time_below(1):
            server.send(sent.replace(b"%SID%", b"s " + number).replace(b"%NUMBER%", number))
            await server.until(lambda: server.connections == 2 and server.lines[-1].startswith(b"PUB"))
        assert not client.is_closed
        await client.close()


async def test_a_line_without_an_end_costs_no_more_than_its_limit() -> None:
    """32 MB in small pieces are given up after 4,096 bytes."""
    async with hostile_server() as (server, url):
        client = await connect(url, ping_interval=60)
        server.send(b"MSG ")
        for _ in range(4):
            server.send(b"a" * 1500)
            await asyncio.sleep(0)
        await server.until(lambda: server.connections == 2)
        await client.close()


@pytest.mark.parametrize("limit", [-1, 0, "a", None, 1.5, True, 2**40])
async def test_an_info_with_an_impossible_limit_is_refused(limit: object) -> None:
    async with hostile_server() as (server, url):
        server.info = info(max_payload=limit)
        with pytest.raises(errors.ConnectFailed, match="max_payload"):
            await connect(url)


REFUSED: dict[str, Callable[[HostileServer], None]] = {
    "no JSON": lambda server: setattr(server, "info", b"INFO {nothing\r\n"),
    "a list": lambda server: setattr(server, "info", b"INFO []\r\n"),
    "a line without an end": lambda server: setattr(server, "info", b"INFO " + b" " * 500_000),
    "bad UTF-8": lambda server: setattr(server, "info", b"INFO \xff\r\n"),
    "nested too deep": lambda server: setattr(server, "info", b"INFO " + b"[" * 20_000 + b"\r\n"),
    "an error without words": lambda server: setattr(server, "pong", b"-ERR\r\n"),
    "an error of bad UTF-8": lambda server: setattr(server, "pong", b"-ERR '\xff'\r\n"),
}


@pytest.mark.parametrize("spoil", REFUSED.values(), ids=REFUSED.keys())
async def test_a_server_that_is_not_nats_fails_the_connecting(
    spoil: Callable[[HostileServer], None],
) -> None:
    """One error of the client's, on one line."""
    async with hostile_server() as (server, url):
        spoil(server)
        with pytest.raises(errors.ConnectFailed) as raised:
            await connect(url)
        assert "\n" not in str(raised.value)
        assert len(str(raised.value)) < 600


@pytest.mark.parametrize("spoil", REFUSED.values(), ids=REFUSED.keys())
async def test_a_server_that_is_not_nats_any_more_is_tried_again(
    spoil: Callable[[HostileServer], None],
) -> None:
    """The client goes on trying, and is back once the server speaks NATS again."""
    async with hostile_server() as (server, url):
        client = await connect(url, ping_interval=60)
        good = server.info, server.pong
        spoil(server)
        server.send(b"nonsense\r\n")
        await server.until(lambda: server.connections >= 3)
        server.info, server.pong = good
        await server.until(lambda: server.lines[-1].startswith(b"PUB"))
        assert not client.is_closed
        await client.close()


async def test_an_error_line_ends_the_client_with_its_words_made_printable() -> None:
    """`-ERR` closes the connection, as NATS has it: the client is lost, and says why on one line."""
    async with hostile_server() as (server, url):
        lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        client = await connect(url, on_connection_lost=lambda _, error: lost.set_result(str(error)))
        server.send(b"-ERR '\x1b[31m red \xff" + b"x" * 3000 + b"'\r\n")
        async with asyncio.timeout(5):
            reason = await lost
        assert "\\x1b[31m red" in reason
        assert reason.isprintable()
        assert len(reason) < 600
        assert client.is_closed


async def test_a_flood_of_urls_does_not_grow_the_pool_without_end() -> None:
    async with hostile_server() as (server, url):
        client = await connect(url, ping_interval=60)
        for part in range(10):
            server.send(info(connect_urls=[f"10.0.{part}.{n}:4222" for n in range(100)]))
        server.send(b"PING\r\n")
        await server.until(lambda: server.lines[-1] == b"PONG\r\n")
        assert client.nats is not None
        assert len(client.nats._server_pool) <= 256
        await client.close()


BAD_GRANTS = {
    "a line feed in a subject": grant(pub_prefix="a\r\nPUB evil 0\r\n\r\nPUB b"),
    "a space in a subject": grant(sub_requests="a b"),
    "a wildcard in a subject": grant(close_requests="a.>"),
    "an empty token": grant(unsub_requests="a..b"),
    "a tab in the ping's subject": grant(ping_requests="a\tb"),
    "a line feed in the close subject": grant(sub_close_requests="a\n"),
    "a negative number of pings": grant(ping_max_out=-5),
    "no pings at all": grant(ping_max_out=0),
    "not protobuf": b"\xff\xff\xff",
    "bad UTF-8 in a text": b"\x0a\x02\xff\xfe",
    "a field of 2 GB": b"\x0a\xff\xff\xff\xff\x07",
}


@pytest.mark.parametrize("answer", BAD_GRANTS.values(), ids=BAD_GRANTS.keys())
async def test_an_impossible_connect_response_is_refused(answer: bytes) -> None:
    """No part of it gets into a line to NATS."""
    async with hostile_server() as (server, url):
        server.answers[f"_STAN.discover.{CLUSTER}"] = lambda _: answer
        with pytest.raises(errors.BadReply):
            await connect(url)
        assert not any(b"evil" in line for line in server.lines)


@pytest.mark.parametrize("inbox", ["", "a b", "a\r\nPUB evil 0\r\n", "a.>", "a..b"])
async def test_an_impossible_subscription_response_is_refused(inbox: str) -> None:
    async with hostile_server() as (server, url):
        client = await connect(url)
        server.answers["sub"] = lambda _: pb.SubscriptionResponse(ack_inbox=inbox).SerializeToString()
        with pytest.raises(errors.BadReply):
            await client.subscribe("channel")
        assert not any(b"evil" in line for line in server.lines)
        await client.close()


async def test_a_refusal_with_escapes_is_one_printable_line() -> None:
    """The error's `text` keeps the server's own words."""
    async with hostile_server() as (server, url):
        text = "\x1b[2J\nfake prompt> " + "x" * 5000
        server.answers[f"_STAN.discover.{CLUSTER}"] = lambda _: grant(error=text)
        with pytest.raises(errors.ServerError) as raised:
            await connect(url)
        assert str(raised.value).isprintable()
        assert len(str(raised.value)) < 600
        assert raised.value.text == text


Misdeed = Callable[[HostileServer, bytes, bytes], None]

MISDEEDS: dict[str, Misdeed] = {
    "a reply to no request": lambda server, inbox, number: server.message(number, inbox + b".999", b""),
    "a reply at a subject of bad UTF-8": lambda server, inbox, number: server.message(
        number, inbox + b".\xff\xfe", b""
    ),
    "a heartbeat with a reply of bad UTF-8": lambda server, inbox, number: server.send(
        b"MSG %b.hb1 %b \xff\xfe 0\r\n\r\n" % (inbox, number)
    ),
    "a heartbeat with a wildcard to answer to": lambda server, inbox, number: server.send(
        b"MSG %b.hb1 %b a.>\t 0\r\n\r\n" % (inbox, number)
    ),
    "a message of no subscription": lambda server, inbox, number: server.message(b"999999", b"x", b"data"),
    "a number with zeros": lambda server, inbox, number: server.message(b"000" + number, inbox + b".9", b""),
}


@pytest.mark.parametrize("misdeed", MISDEEDS.values(), ids=MISDEEDS.keys())
async def test_a_message_that_no_one_asked_for_changes_nothing(misdeed: Misdeed) -> None:
    """The connection stays, and the next request is answered."""
    async with hostile_server() as (server, url):
        client = await connect(url, ping_interval=60)
        inbox, number = next((s, n) for s, n in server.numbers.items() if s.startswith("_INBOX"))
        misdeed(server, inbox.removesuffix(".*").encode(), number)
        await client.subscribe("channel")
        assert server.connections == 1
        await client.close()


DELIVERIES = {
    "not protobuf": b"\xff\xff",
    "bad UTF-8": b"\x12\x02\xff\xfe",
    "without a sequence": pb.MsgProto(data=b"x").SerializeToString(),
    "empty": b"",
}


@pytest.mark.parametrize("sent", DELIVERIES.values(), ids=DELIVERIES.keys())
async def test_a_delivery_that_is_no_message_is_passed_over(sent: bytes) -> None:
    """The message behind it is delivered, at whatever time it says it was stored."""
    async with hostile_server() as (server, url):
        client = await connect(url, ping_interval=60)
        subscription = await client.subscribe("channel")
        inbox = list(server.numbers)[-1]
        server.message(server.numbers[inbox], inbox.encode(), sent)
        good = pb.MsgProto(sequence=2**64 - 1, timestamp=-(2**63), redelivery_count=2**32 - 1)
        server.message(server.numbers[inbox], inbox.encode(), good.SerializeToString())
        async with asyncio.timeout(5):
            message = await anext(subscription)
        assert message.sequence == 2**64 - 1
        assert message.time.year == 1677
        await client.close()


async def test_deliveries_beyond_the_window_are_not_kept() -> None:
    """A server that ignores `max_inflight` fills twice that, and not the memory."""
    async with hostile_server() as (server, url):
        client = await connect(url, ping_interval=60)
        subscription = await client.subscribe("channel", max_inflight=10)
        inbox = list(server.numbers)[-1]
        for sequence in range(1, 1000):
            server.message(
                server.numbers[inbox], inbox.encode(), pb.MsgProto(sequence=sequence).SerializeToString()
            )
        server.send(b"PING\r\n")
        await server.until(lambda: server.lines[-1] == b"PONG\r\n")
        assert subscription.pending == 20
        await client.close()


ACKS = {
    "not protobuf": b"\xff\xff",
    "bad UTF-8": b"\x0a\x02\xff\xfe",
    "empty": b"",
    "another guid": pb.PubAck(guid="\x1b[2J" * 1000).SerializeToString(),
    "a refusal with escapes": pb.PubAck(error="\x1b[2J\n" * 1000).SerializeToString(),
}


@pytest.mark.parametrize("sent", ACKS.values(), ids=ACKS.keys())
async def test_an_ack_that_is_not_one_fails_its_message(sent: bytes) -> None:
    """One printable line says so; the connection stays."""
    async with hostile_server() as (server, url):
        client = await connect(url, ping_interval=60)
        server.answers["pub.channel"] = lambda _: sent
        async with asyncio.timeout(5):
            with pytest.raises(errors.StanError) as raised:
                await client.publish("channel", b"x")
        assert isinstance(raised.value, errors.BadReply | errors.ServerError)
        assert str(raised.value).isprintable()
        assert len(str(raised.value)) < 600
        assert server.connections == 1
        await client.close()
