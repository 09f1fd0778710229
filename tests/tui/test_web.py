"""The web server in front of a stand-in for the terminal interface: who is let in, and what is left."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
import psutil
import pytest

from stanlocal.tui import web

ECHO = """
import os, sys, json
out = sys.stdout.buffer
def send(kind, payload):
    out.write(kind + len(payload).to_bytes(4, "big") + payload); out.flush()
out.write(b"__GANGLION__\\n")
send(b"D", json.dumps({"argv": sys.argv, "env": dict(os.environ), "pid": os.getpid()}).encode())
while (head := sys.stdin.buffer.read(5)):
    payload = sys.stdin.buffer.read(int.from_bytes(head[1:], "big"))
    if head[:1] == b"M" and json.loads(payload)["type"] == "quit":
        send(b"M", b'{"type": "exit"}')
        break
    if payload == b"crash":
        os._exit(1)
    send(b"D", payload)
"""
"""Script that describes itself, echoes keys, and ends like a Textual application when asked."""

DEAF = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pid = str(os.getpid()).encode()
sys.stdout.buffer.write(b"__GANGLION__\\nD" + len(pid).to_bytes(4, "big") + pid); sys.stdout.buffer.flush()
time.sleep(600)
"""


@asynccontextmanager
async def serving(script: str = ECHO, end_s: float = 10.0) -> AsyncIterator[str]:
    """The address of a server that runs the script for each page."""
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    command: Sequence[str] = (sys.executable, "-I", "-c", script)
    task = asyncio.create_task(web.serve(command, title="stand-in", announce=address.set_result, end_s=end_s))
    try:
        yield await address
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def origin(address: str) -> str:
    return address[: address.index("/", len("http://"))]


async def test_the_page_and_its_assets_open_with_the_token(http: aiohttp.ClientSession) -> None:
    async with serving() as address:
        page = await http.get(address)
        assert page.status == 200
        text = await page.text()
        assert "stand-in" in text
        for asset in ("static/js/textual.js", "static/css/xterm.css", "page/page.js", "page/page.css"):
            assert (await http.get(f"{address}{asset}")).status == 200
        assert f"ws:{address[len('http:') :]}ws" in text


@pytest.mark.parametrize("path", ["", "static/js/textual.js", "page/page.js", "ws", "no-such-thing"])
@pytest.mark.parametrize("token", ["", "wrong/", "%ff%fe/", "../"])
async def test_without_the_token_everything_is_refused(
    http: aiohttp.ClientSession, path: str, token: str
) -> None:
    async with serving() as address:
        answer = await http.get(f"{origin(address)}/{token}{path}")
        assert answer.status == 403
        assert "stand-in" not in await answer.text()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost"},
        {},
    ],
    ids=lambda headers: headers.get("Origin", "no origin"),
)
async def test_a_socket_is_refused_to_pages_from_elsewhere(
    http: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    async with serving() as address:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(f"{address}ws", headers=headers)
        assert refused.value.status == 403


async def test_another_name_for_this_machine_is_refused(http: aiohttp.ClientSession) -> None:
    async with serving() as address:
        assert (await http.get(address, headers={"Host": "rebound.example"})).status == 403


async def test_the_page_loads_nothing_from_elsewhere_and_does_not_tell_its_address(
    http: aiohttp.ClientSession,
) -> None:
    async with serving() as address:
        page = await http.get(address)
        text, headers = await page.text(), page.headers
    assert set(re.findall(r"https?://[^\"]*", text)) == {
        f"{address}static/css/xterm.css",
        f"{address}static/js/textual.js",
    }
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'"} <= set(policy)


async def test_a_session_gets_keys_and_knows_no_token(http: aiohttp.ClientSession) -> None:
    async with serving() as address:
        token = address.split("/")[3]
        async with http.ws_connect(f"{address}ws?width=90&height=30", origin=origin(address)) as page:
            sent = json.loads(await page.receive_bytes(timeout=10))
            await page.send_json(["stdin", "k"])
            assert await page.receive_bytes(timeout=10) == b"k"
        assert (sent["env"]["COLUMNS"], sent["env"]["ROWS"]) == ("90", "30")
        assert token not in json.dumps(sent)
        assert not any(token in part for part in psutil.Process().cmdline())
        assert token not in "".join(os.environ.values())


async def test_no_page_asks_for_a_screen_that_costs_gigabytes(http: aiohttp.ClientSession) -> None:
    huge = 99_999_999
    async with serving() as address:
        ws = f"{address}ws?width={huge}&height={huge}"
        async with http.ws_connect(ws, origin=origin(address)) as page:
            sent = json.loads(await page.receive_bytes(timeout=10))
            assert (sent["env"]["COLUMNS"], sent["env"]["ROWS"]) == ("1000", "400")
            for width, height in ((huge, huge), ("wide", None), (-5, 0), (90, 30)):
                await page.send_json(["resize", {"width": width, "height": height}])
            sizes = [json.loads(await page.receive_bytes(timeout=10)) for _ in range(3)]
    assert [(size["width"], size["height"]) for size in sizes] == [(1000, 400), (1, 1), (90, 30)]


async def test_closing_the_page_ends_its_process(http: aiohttp.ClientSession) -> None:
    async with serving() as address:
        async with http.ws_connect(f"{address}ws", origin=origin(address)) as page:
            process = psutil.Process(json.loads(await page.receive_bytes(timeout=10))["pid"])
        await asyncio.to_thread(process.wait, 10)


async def test_a_process_that_dies_closes_its_page(http: aiohttp.ClientSession) -> None:
    async with serving() as address, http.ws_connect(f"{address}ws", origin=origin(address)) as page:
        await page.receive_bytes(timeout=10)
        await page.send_json(["stdin", "crash"])
        assert (await page.receive(timeout=10)).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


@pytest.mark.parametrize("script", [ECHO, DEAF], ids=["that end when asked", "that do not"])
async def test_ending_the_server_ends_all_processes(script: str, http: aiohttp.ClientSession) -> None:
    processes = []
    async with serving(script, 0.2 if script is DEAF else 10.0) as address:
        for _ in range(2):
            page = await http.ws_connect(f"{address}ws", origin=origin(address))
            sent = json.loads(await page.receive_bytes(timeout=10))
            processes.append(psutil.Process(sent if script is DEAF else sent["pid"]))
    assert not any(process.is_running() for process in processes)
