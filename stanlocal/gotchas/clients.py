"""Gotchas about clients."""

from __future__ import annotations

from stanlocal.errors import StanError
from stanlocal.gotchas.base import Gotcha, Stage


async def _connect_timeout(stage: Stage) -> None:
    stage.say("a client with a wrong cluster id connects")
    await _refused(stage, cluster_id="wrong")
    stage.say(
        "the active node is frozen, so that no node serves; a client with the right cluster id connects"
    )
    fault = await stage.group.pause("@active")
    await _refused(stage)
    await fault.heal()


async def _refused(stage: Stage, **options: str) -> None:
    try:
        async with stage.client("gotcha", request_timeout=2.0, **options):
            stage.say("-> connected, which was not expected")
    except StanError as error:
        stage.say(f"-> {error}")


CONNECT_TIMEOUT = Gotcha(
    "connect-timeout",
    "Connect request timeout",
    r"STREAM: Starting nats-streaming-server\[",
    "A client asks on a subject that has the cluster id in its name. Only an active node with that id "
    "listens there, so 'no node is active' and 'wrong cluster id' look alike to the client: no answer. The "
    "server says its id in its first line: Starting nats-streaming-server[id].",
    "Compare the id with that line first, then see which node is active. Let clients retry for longer than "
    "a failover takes.",
    _connect_timeout,
)


async def _client_replaced(stage: Stage) -> None:
    async with stage.client("orders-1"):
        stage.say("a second client takes the id of one that is connected")
        await _connect_as(stage, "orders-1")
        stage.say("the first one's connection breaks without a goodbye, as when its machine dies")
    async with stage.client("orders-2") as first:
        nats = first.nats
        assert nats is not None
        await nats.close()
        await _connect_as(stage, "orders-2")


async def _connect_as(stage: Stage, client_id: str) -> None:
    try:
        async with stage.client(client_id):
            stage.say(f"-> connected as {client_id}: the old one is replaced, and lost for good")
    except StanError as error:
        stage.say(f"-> {error}")


CLIENT_REPLACED = Gotcha(
    "client-replaced",
    "Clients do not come back: client id already registered",
    r"Replaced old client|already connected",
    "The server keeps a client until it says goodbye or misses its heartbeats for minutes. Who connects "
    "under its id makes the server ask the old one: if that answers, the new one is refused; if not, the "
    "old one is replaced, and learns at its next ping that its connection is lost for good.",
    "Give each instance an id of its own that it keeps over restarts. Handle 'connection lost': connect "
    "again and subscribe again; durables go on where they were.",
    _client_replaced,
    streaming={"stan_debug": True},
)
