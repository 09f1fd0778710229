"""Connecting, and what refuses it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import nats
import pytest

from stanlocal import stan
from stanlocal.stan import errors
from tests.integration.stan.conftest import Connect
from tests.integration.stan.ft_processes import Group
from tests.integration.stan.helpers import Inbox, no_task_left
from tests.support.ports import free_ports

pytestmark = pytest.mark.server


async def test_connects_and_closes_with_async_with(group: Group, client_id: str) -> None:
    """`async with` gives a connected client and closes it, with nothing left running."""
    async with no_task_left():
        async with stan.connect(group.urls, cluster_id=group.cluster_id, client_id=client_id) as client:
            assert not client.is_closed
            assert client.connected_url in group.urls
        assert client.is_closed
        assert client.nats is None


async def test_urls_may_be_one_comma_separated_text(group: Group, client_id: str) -> None:
    """One text with several URLs is as good as a list."""
    async with stan.connect(",".join(group.urls), cluster_id=group.cluster_id, client_id=client_id) as client:
        assert client.connected_url in group.urls


@pytest.mark.parametrize("retry", [False, True])
async def test_unreachable_server_is_named(retry: bool) -> None:
    """When nothing listens, the error names the URL and the reason, and no task is left."""
    url = f"nats://127.0.0.1:{free_ports(1)[0]}"
    async with no_task_left():
        with pytest.raises(errors.ConnectFailed, match=f"no NATS server at {url}: connection refused; check"):
            await stan.connect(url, cluster_id="c", client_id="me", retry=retry, request_timeout=0.3)


async def test_password_is_not_in_the_error() -> None:
    """The error of a failed connect shows the URL without user and password."""
    port = free_ports(1)[0]
    with pytest.raises(errors.ConnectFailed) as caught:
        await stan.connect(f"nats://me:secret@127.0.0.1:{port}", cluster_id="c", client_id="me")
    assert "secret" not in str(caught.value)


async def test_a_server_that_is_not_nats(client_id: str) -> None:
    """A server that accepts connections and does not speak NATS is reported in time."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-not-nats\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(errors.ConnectFailed, match="expecting INFO"):
            await stan.connect(f"nats://127.0.0.1:{port}", cluster_id="c", client_id=client_id)


async def test_a_server_that_never_answers(client_id: str) -> None:
    """A port that accepts and stays silent fails after `request_timeout`, not later."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"nats://127.0.0.1:{silent.getsockname()[1]}"
        begin = asyncio.get_running_loop().time()
        with pytest.raises(errors.ConnectFailed):
            await stan.connect(url, cluster_id="c", client_id=client_id, request_timeout=0.3)
        assert asyncio.get_running_loop().time() - begin < 1


async def test_wrong_cluster_id_is_suspected(group: Group, client_id: str) -> None:
    """A cluster id that no one serves fails at once, and the error says what may be wrong."""
    async with no_task_left():
        with pytest.raises(errors.NoActiveServer, match=r"'other'.*cluster id is wrong.*plain NATS"):
            await stan.connect(group.urls, cluster_id="other", client_id=client_id)


async def test_failed_connect_leaves_no_nats_subscription(group: Group, client_id: str) -> None:
    """A borrowed NATS connection has no subscription more after a failed connect, and stays open."""
    connection = await nats.connect(group.urls[0])
    with pytest.raises(errors.NoActiveServer):
        await stan.connect(nats=connection, cluster_id="other", client_id=client_id)
    assert connection.is_connected
    assert not connection._subs
    await connection.close()


@pytest.mark.parametrize("client_id", ["", "a b", "a.b", "ä", "a/b", "a\n"])
async def test_forbidden_client_ids_are_refused_before_anything_is_sent(client_id: str) -> None:
    """A client id with other characters than the server takes never leaves the machine."""
    with pytest.raises(errors.InvalidName, match="client id"):
        await stan.connect("nats://127.0.0.1:1", cluster_id="c", client_id=client_id)


@pytest.mark.parametrize("cluster_id", ["", "a b", "a..b", "a.*", ">"])
async def test_forbidden_cluster_ids_are_refused_before_anything_is_sent(cluster_id: str) -> None:
    """A cluster id that cannot be part of a subject never leaves the machine."""
    with pytest.raises(errors.InvalidName, match="cluster id"):
        await stan.connect("nats://127.0.0.1:1", cluster_id=cluster_id, client_id="me")


async def test_second_client_with_the_id_is_refused(
    client: stan.Client, connect: Connect, channel: str
) -> None:
    """While a client lives, its id is taken; the first one goes on working."""
    with pytest.raises(errors.ClientIDInUse, match=client.client_id) as caught:
        await connect(client_id=client.client_id)
    assert caught.value.text == "stan: clientID already registered"
    await client.publish(channel, b"still here")


async def test_client_id_is_free_again_after_close(connect: Connect, client_id: str, channel: str) -> None:
    """A closed client's id can be used at once."""
    first = await connect(client_id=client_id)
    await first.close()
    second = await connect(client_id=client_id)
    await second.publish(channel, b"x")


async def test_borrowed_nats_connection_is_left_as_it_was(group: Group, client_id: str, channel: str) -> None:
    """A caller's NATS connection works for publish and subscribe, and stays open and clean afterwards."""
    connection = await nats.connect(group.urls[0])
    async with (
        no_task_left(),
        stan.connect(nats=connection, cluster_id=group.cluster_id, client_id=client_id) as client,
    ):
        assert client.nats is connection
        inbox = Inbox()
        await client.subscribe(channel, inbox)
        await client.publish(channel, b"x")
        await inbox.wait(1)
    assert connection.is_connected
    assert not connection._subs
    assert connection._disconnected_cb is None
    await connection.close()


async def test_borrowed_nats_connection_must_be_open(group: Group) -> None:
    """A closed NATS connection is refused with a word on what to do."""
    connection = await nats.connect(group.urls[0])
    await connection.close()
    with pytest.raises(errors.ConnectFailed, match="not connected"):
        await stan.connect(nats=connection, cluster_id=group.cluster_id, client_id="me")


async def test_nats_name_is_the_client_id_unless_given(connect: Connect, client_id: str) -> None:
    """The NATS connection carries the client id as its name; other nats-py options pass through."""
    client = await connect(client_id=client_id)
    assert client.nats is not None
    assert client.nats.options["name"] == client_id
    named = await connect(name="mine", ping_interval=7, ping_max_out=9)
    assert named.nats is not None
    assert named.nats.options["name"] == "mine"


async def test_user_and_password_in_the_url_or_as_options(
    make_group: Callable[..., Group], connect: Connect
) -> None:
    """A server with a password lets in who has it, and tells the others why not."""
    group = make_group(nodes=1, ft=False, top='authorization { user: "me", password: "pw" }')
    await asyncio.to_thread(group.start)
    url = group.urls[0]
    await connect(url, user="me", password="pw")
    await connect(url.replace("//", "//me:pw@"))
    with pytest.raises(errors.ConnectFailed, match=r"(?i)authorization"):
        await connect(url)
    with pytest.raises(errors.ConnectFailed, match=r"(?i)authorization"):
        await connect(url, user="me", password="wrong")


async def test_token(make_group: Callable[..., Group], connect: Connect) -> None:
    """A server with a token lets in who has it."""
    group = make_group(nodes=1, ft=False, top='authorization { token: "s3cret" }')
    await asyncio.to_thread(group.start)
    client = await connect(group.urls[0], token="s3cret")
    await client.publish("foo", b"x")
    with pytest.raises(errors.ConnectFailed, match=r"(?i)authorization"):
        await connect(group.urls[0], token="wrong")


async def test_cancelled_connect_leaves_nothing(group: Group, client_id: str) -> None:
    """Cancelled anywhere on its way, connect leaves no task, and the id soon can be used."""
    for turns in range(0, 60, 3):
        async with no_task_left():
            task = asyncio.ensure_future(_connect(group, client_id))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            (result,) = await asyncio.gather(task, return_exceptions=True)
            if isinstance(result, stan.Client):
                await result.close()
    async with stan.connect(
        group.urls, cluster_id=group.cluster_id, client_id=client_id, retry=True, request_timeout=5
    ) as client:
        assert not client.is_closed


async def _connect(group: Group, client_id: str) -> stan.Client:
    return await stan.connect(group.urls, cluster_id=group.cluster_id, client_id=client_id)
