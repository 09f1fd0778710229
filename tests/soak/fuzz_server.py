"""Answers of a hostile server to the STAN client, and the bytes of its connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from tests.support.mutation import mutated

Act = Callable[[Random], object]


def wire(folder: Path) -> Act:
    """Answers of a streaming server, and its heartbeats."""
    from stanlocal.stan import wire
    from stanlocal.stan._pb import stan_pb2 as pb
    from stanlocal.stan.session import read_connect_response

    connected = pb.ConnectResponse(
        pub_prefix="p", sub_requests="s", unsub_requests="u", close_requests="c",
        ping_requests="g", ping_interval=5, ping_max_out=3,
    )  # fmt: skip
    kinds = {
        pb.PubAck: pb.PubAck(guid="aZ09", error="stan: invalid subject"),
        pb.MsgProto: pb.MsgProto(sequence=2**40, subject="orders", data=b"x" * 40, timestamp=2**60),
        pb.SubscriptionResponse: pb.SubscriptionResponse(ack_inbox="_STAN.acks.x", error="not found"),
        pb.PingResponse: pb.PingResponse(error="client has been replaced or is no longer registered"),
        pb.CloseResponse: pb.CloseResponse(error="stan: unknown clientID"),
        pb.ConnectResponse: connected,
        pb.CtrlMsg: pb.CtrlMsg(server_id="s" * 22, data=b"\x01" * 15),
    }
    sound = [(kind, message.SerializeToString()) for kind, message in kinds.items()]

    def act(dice: Random) -> None:
        kind, data = dice.choice(sound)
        data = mutated(data, dice)
        if kind is pb.PubAck:
            wire.read_pub_ack(data)
        elif kind is pb.ConnectResponse:
            read_connect_response(data, "me", b"c")
        else:
            wire.decode(kind, data)

    return act


def server_bytes(folder: Path) -> Act:
    """Bytes of a connection, which come in pieces."""
    from nats.errors import Error as NatsError

    from stanlocal.stan._pb import stan_pb2 as pb
    from stanlocal.stan.delivery_buffer import DeliveryBuffer
    from stanlocal.stan.parser import DirectParser

    delivery = pb.MsgProto(sequence=7, subject="orders", data=b"x" * 40, timestamp=2**60).SerializeToString()
    message = b"MSG a %d _INBOX.r %d\r\n%b\r\n"
    sound = b"".join(
        [
            b'INFO {"server_id":"s","max_payload":1048576}\r\n',
            *(message % (number, len(delivery), delivery) for number in (1, 1, 2, 3)),
            b"HMSG a 3 16 16\r\nNATS/1.0 503\r\n\r\n\r\nPING\r\nPONG\r\n+OK\r\n-ERR 'no'\r\n",
            message % (1, len(delivery), delivery),
        ]
    )

    async def read(dice: Random) -> None:
        parser = DirectParser(_Receiver())
        buffer = DeliveryBuffer(100)
        parser.attach(1, buffer.receive, buffer.receive_run)
        parser.attach(2, lambda subject, data, reply, nobody: None)
        reader = asyncio.StreamReader()
        if dice.random() < 0.5:
            parser.tap(reader)
        data = mutated(sound, dice)
        while data:
            size = dice.choice((1, 10, 100, len(data)))
            reader.feed_data(data[:size])
            data = data[size:]
            while reader._buffer:  # type: ignore[attr-defined]
                try:
                    await parser.parse(await reader.read(32768))
                except NatsError:
                    return  # nats-py drops the connection and connects again

    loop = asyncio.new_event_loop()
    return lambda dice: loop.run_until_complete(read(dice))


class _Receiver:
    """nats-py's side of the connection, which takes what it is handed."""

    is_connected = True

    def __init__(self) -> None:
        self.stats = {"in_msgs": 0, "in_bytes": 0}

    async def take_ping(self) -> None:
        pass

    async def take_pong(self) -> None:
        pass

    async def take_info(self, info: Any) -> None:
        pass

    async def take_error(self, text: str) -> None:
        pass

    async def take_message(
        self, number: int, subject: bytes, reply: bytes, payload: bytes, headers: bytes
    ) -> None:
        pass
