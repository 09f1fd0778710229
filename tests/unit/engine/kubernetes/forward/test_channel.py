"""A forwarded connection, given whatever frames an API server may send."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from stanlocal.engine.kubernetes.access import Target, find_access
from stanlocal.engine.kubernetes.api import Api
from stanlocal.engine.kubernetes.errors import Missing
from stanlocal.engine.kubernetes.forward.channel import Channel, PortClosed, opened
from stanlocal.errors import EngineUnavailable, NotAllowed

HEADS = (b"\0\x7e\x10", b"\1\x7e\x10")
"""First frames of the two channels of port 4222."""
PATH = "/api/v1/namespaces/default/pods/stan-0"

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[web.WebSocketResponse], Awaitable[None]]


@asynccontextmanager
async def api_of(handle: Handle, folder: Path) -> AsyncIterator[Api]:
    """Yield the API of a server with one answer to everything."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        config = {
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{runner.addresses[0][1]}"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": {}}],
            "current-context": "c",
        }
        (folder / "kubeconfig").write_text(json.dumps(config))
        api = Api(find_access(Target(folder / "kubeconfig"), {}, folder))
        yield api
        await api.close()
    finally:
        await runner.cleanup()


@asynccontextmanager
async def channel_to(serve: Serve, folder: Path) -> AsyncIterator[Channel]:
    async def handle(request: web.Request) -> web.StreamResponse:
        assert request.path_qs == f"{PATH}/portforward?ports=4222"
        socket = web.WebSocketResponse(protocols=("v4.channel.k8s.io",))
        await socket.prepare(request)
        await serve(socket)
        await socket.close()
        return socket

    async with api_of(handle, folder) as api, opened(api, PATH, 4222) as channel:
        yield channel


async def all_of(channel: Channel) -> bytes:
    """Return what comes until the end."""
    found = b""
    async with asyncio.timeout(30):
        while data := await channel.receive():
            found += data
    return found


async def until_over(opening: AbstractAsyncContextManager[Channel]) -> bytes:
    """Return what comes until the connection is over, with an error of ours or without."""
    try:
        async with opening as channel:
            return await all_of(channel)
    except (PortClosed, ConnectionError):
        return b""


async def test_data_is_what_follows_the_heads_however_the_frames_are_cut(tmp_path: Path) -> None:
    async def serve(socket: web.WebSocketResponse) -> None:
        for frame in (b"\0\x7e", HEADS[1], b"\0\x10INFO", b"\0", b"\0 {}\r\n"):
            await socket.send_bytes(frame)

    async with channel_to(serve, tmp_path) as channel:
        assert await all_of(channel) == b"INFO {}\r\n"


async def test_what_is_sent_arrives_on_the_data_channel(tmp_path: Path) -> None:
    got: list[bytes] = []

    async def serve(socket: web.WebSocketResponse) -> None:
        got.append(await socket.receive_bytes())

    async with channel_to(serve, tmp_path) as channel:
        await channel.send(b"PING\r\n")
        assert await all_of(channel) == b""
    assert got == [b"\0PING\r\n"]


async def test_the_machines_own_words_say_why_a_port_is_closed(tmp_path: Path) -> None:
    async def serve(socket: web.WebSocketResponse) -> None:
        for frame in (*HEADS, b"\1dial tcp4 127.0.0.1:4222:\nconnection refused \xff" + b"x" * 5000):
            await socket.send_bytes(frame)

    async with channel_to(serve, tmp_path) as channel:
        with pytest.raises(PortClosed, match=r"^dial tcp4 127.0.0.1:4222: connection refused .x{500,600}$"):
            await channel.receive()


@pytest.mark.parametrize("frame", [b"\2data", b"\xff", b"", "text", b"\0" + b"x" * (300 << 10)], ids=repr)
async def test_a_frame_that_is_none_of_the_protocol_ends_the_connection(
    frame: bytes | str, tmp_path: Path
) -> None:
    async def serve(socket: web.WebSocketResponse) -> None:
        for head in HEADS:
            await socket.send_bytes(head)
        if isinstance(frame, str):
            await socket.send_str(frame)
        else:
            await socket.send_bytes(frame)
        await socket.receive()  # until the client has gone

    assert await until_over(channel_to(serve, tmp_path)) == b""


async def test_bytes_that_are_no_frames_at_all_end_the_connection(tmp_path: Path) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("v4.channel.k8s.io",))
        await socket.prepare(request)
        assert request.transport is not None
        request.transport.write(b"\xff" * 64)
        await socket.receive()
        return socket

    async with api_of(handle, tmp_path) as api:
        assert await until_over(opened(api, PATH, 4222)) == b""


async def test_a_connection_that_breaks_off_is_not_taken_for_the_pods_end(tmp_path: Path) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("v4.channel.k8s.io",))
        await socket.prepare(request)
        assert request.transport is not None
        request.transport.abort()
        return socket

    async with api_of(handle, tmp_path) as api, opened(api, PATH, 4222) as channel:
        with pytest.raises(ConnectionError, match="through the API server broke"):
            await all_of(channel)


@pytest.mark.parametrize(
    ("status", "error"),
    [(403, NotAllowed), (404, Missing), (200, EngineUnavailable), (500, EngineUnavailable)],
)
async def test_an_answer_without_a_connection_is_an_error_with_the_servers_words(
    status: int, error: type[Exception], tmp_path: Path
) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.json_response({"message": "pods is forbidden"}, status=status)

    async with api_of(handle, tmp_path) as api:
        with pytest.raises(error, match="pods is forbidden"):
            async with opened(api, PATH, 4222):
                pass


async def test_an_api_server_that_reads_nothing_does_not_hold_the_end_up(tmp_path: Path) -> None:
    silent = asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("v4.channel.k8s.io",))
        await socket.prepare(request)
        assert request.transport is not None
        request.transport.pause_reading()
        await silent.wait()
        return socket

    async def send(api: Api) -> None:
        async with asyncio.timeout(1), opened(api, PATH, 4222) as channel:
            while True:
                await channel.send(b"x" * 65536)

    async with api_of(handle, tmp_path) as api:
        sending = asyncio.create_task(send(api))
        await asyncio.wait([sending], timeout=60)
        silent.set()
        assert isinstance(sending.exception(), TimeoutError)
