"""Forwarded ports of the API server in memory: as a real one, with a containerd behind it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from tests.support.fake_cluster_changes import status

if TYPE_CHECKING:
    from tests.support.fake_cluster import FakeCluster, FakePod

_PROTOCOL = "v4.channel.k8s.io"
_DATA, _ERROR = b"\0", b"\1"
_READ_BYTES = 32 << 10


async def forwarded(cluster: FakeCluster, request: web.Request, pod: FakePod | None) -> web.StreamResponse:
    """Connect a WebSocket with the port that stands for the pod's."""
    if pod is None:
        return status(404, "pods not found")
    if _PROTOCOL not in request.headers.get("Sec-WebSocket-Protocol", ""):
        return status(400, "unable to upgrade: unsupported protocol")
    port = int(request.query["ports"])
    there = web.WebSocketResponse(protocols=(_PROTOCOL,))
    await there.prepare(request)
    cluster.sockets.add(there)
    try:
        for channel in (_DATA, _ERROR):
            await there.send_bytes(channel + port.to_bytes(2, "little"))
        try:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", cluster.behind.get((pod.namespace, pod.name), 0)
            )
        except OSError as error:
            why = f"failed to connect to localhost:{port}: {error}"
            await there.send_bytes(_ERROR + f"error forwarding port {port}: {why}".encode())
        else:
            await _both_ways(cluster, there, reader, writer)
        await there.close()
    finally:
        cluster.sockets.discard(there)
    return there


async def _both_ways(
    cluster: FakeCluster,
    there: web.WebSocketResponse,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    async def down() -> None:
        while data := await reader.read(_READ_BYTES):
            await there.send_bytes(_DATA + data)
        await asyncio.sleep(cluster.end_noticed_s)

    async def up() -> None:
        async for message in there:
            if message.type is WSMsgType.BINARY:
                writer.write(message.data[1:])
                await writer.drain()

    tasks = [asyncio.create_task(down()), asyncio.create_task(up())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        with suppress(ConnectionError):
            await asyncio.gather(*tasks, return_exceptions=True)
        writer.transport.abort()
