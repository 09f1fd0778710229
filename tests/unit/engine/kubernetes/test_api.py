"""Requests to an API server, as far as no answer is needed."""

from __future__ import annotations

import asyncio
import gc
import json
from pathlib import Path

from stanlocal.engine.kubernetes.access import Target, find_access
from stanlocal.engine.kubernetes.api import Api


async def test_a_request_that_is_cancelled_in_the_handshake_leaves_no_connection(tmp_path: Path) -> None:
    reached, ended = asyncio.Event(), asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        reached.set()
        await reader.read()
        ended.set()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        cluster = {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}
        content = {
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "one",
        }
        (tmp_path / "config").write_text(json.dumps(content))
        api = Api(find_access(Target(tmp_path / "config"), {}, tmp_path))
        asking = asyncio.create_task(api.get("/version"))
        await reached.wait()
        gc.disable()  # whose collection would close it
        try:
            asking.cancel()
            await asyncio.wait([asking])
            await asyncio.wait_for(ended.wait(), 10)
        finally:
            gc.enable()
        await api.close()
