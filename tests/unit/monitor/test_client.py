"""The monitor client against servers that answer, stay silent, break off and lie."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from stanlocal.errors import MonitorError
from stanlocal.monitor import client
from stanlocal.monitor.client import MonitorAnswer, ask_role, fetch

SOON = 0.05
"""A deadline, in seconds, for a server that will not answer."""
LONG = 10.0
"""A deadline that is not to be reached."""

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """A server on a port of its own; gives its address. All its connections must be gone at the end."""
    closed: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        closed.append(task)
        try:
            await handler(reader, writer)
            await reader.read()  # until the client closes
        except ConnectionError:
            pass  # it did so abruptly
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with asyncio.timeout(5):
            await asyncio.gather(*closed)


def answering(data: bytes, *, then_close: bool = True) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(data)
        if then_close:
            writer.close()

    return handler


def http(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.0 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


SERVERZ = {"cluster_id": "test-cluster", "server_id": "abc", "version": "0.25.6", "state": "FT_ACTIVE"}


async def test_an_active_node_tells_what_it_is() -> None:
    async with serving(answering(http(json.dumps(SERVERZ).encode()))) as url:
        assert await ask_role(url, LONG) == MonitorAnswer(
            "answered", state="FT_ACTIVE", server_id="abc", cluster_id="test-cluster", version="0.25.6"
        )


async def test_the_answer_ends_with_its_length_even_if_the_connection_stays() -> None:
    async with serving(answering(http(b'{"state": "FT_STANDBY"}') + b"more", then_close=False)) as url:
        assert (await ask_role(url, LONG)).state == "FT_STANDBY"


async def test_without_a_length_the_answer_ends_with_the_connection() -> None:
    async with serving(answering(b'HTTP/1.0 200 OK\r\n\r\n{"state": "FT_STANDBY"}')) as url:
        assert (await ask_role(url, LONG)).state == "FT_STANDBY"


async def test_streaming_that_has_not_started_is_not_ready() -> None:
    async with serving(answering(http(b"404 page not found\n", "404 Not Found"))) as url:
        assert await ask_role(url, LONG) == MonitorAnswer("not-ready")


async def test_a_port_without_a_listener_refuses() -> None:
    async with serving(answering(b"")) as url:
        pass
    assert await ask_role(url, LONG) == MonitorAnswer("refused")


async def test_a_connection_that_ends_without_a_word_is_refused() -> None:
    """Docker's proxy accepts for a container that does not listen yet, and hangs up."""
    async with serving(answering(b"")) as url:
        assert await ask_role(url, LONG) == MonitorAnswer("refused")


@pytest.mark.parametrize(
    "part", [b"", b"HTTP/1.0 200", b"HTTP/1.0 200 OK\r\n\r\n", b'HTTP/1.0 200 OK\r\n\r\n{"state": "FT_']
)
async def test_a_server_that_hangs_is_silent_after_the_deadline(part: bytes) -> None:
    async with serving(answering(part, then_close=False)) as url:
        assert await ask_role(url, SOON) == MonitorAnswer("silent")


STRANGE = [
    (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "SSH-2.0"),
    (b"INFO {}\r\n", "broke off after b'INFO {}"),
    (b"HTTP/1.0 2\xb20 OK\r\n\r\n{}", "began with"),
    (b"HTTP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n{}", "content-length is '-1'"),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 99999999999\r\n\r\n{}", "longer than"),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\n{}", "2 of 10 bytes"),
    (http(b"", "302 Found", "Location: http://127.0.0.1:1/\r\n"), "status 302"),
    (http(b"oops", "500 Internal Server Error"), "status 500"),
    (http(b"not json"), "not JSON"),
    (http(b"\xff\xfe{}"), "not JSON"),
    (http(b"[" * 60_000), "not JSON"),
    (http(b"9" * 60_000), "not JSON"),
    (http(b"[1]"), "not a JSON object"),
    (b"HTTP/1.0 200 OK\r\nX: " + b"x" * (1 << 18), "no end of its headers"),
    (b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * (1 << 18), "longer than"),
]


@pytest.mark.parametrize(("data", "detail"), STRANGE)
async def test_an_impossible_answer_is_strange_and_named(data: bytes, detail: str) -> None:
    async with serving(answering(data)) as url:
        answer = await ask_role(url, LONG)
        assert answer.outcome == "strange"
        assert detail in (answer.detail or "")
        assert "\n" not in (answer.detail or "")


async def test_fields_of_another_type_count_as_missing() -> None:
    async with serving(answering(http(b'{"state": ["FT_ACTIVE"], "server_id": 5, "version": null}'))) as url:
        assert await ask_role(url, LONG) == MonitorAnswer("answered")


async def test_fetch_gives_the_document_of_the_path() -> None:
    asked: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(http(b'{"connections": 5}'))
        writer.close()

    async with serving(handler) as url:
        assert await fetch(url, "/varz?x=1", LONG) == {"connections": 5}
    assert asked[0].startswith(b"GET /varz?x=1 HTTP/1.0\r\nHost: 127.0.0.1:")


@pytest.mark.parametrize(
    ("data", "outcome"),
    [(b"", "refused"), (http(b"", "404 Not Found"), "not-ready"), (http(b"", "204 No Content"), "strange")],
)
async def test_fetch_raises_what_probe_would_tell(data: bytes, outcome: str) -> None:
    async with serving(answering(data)) as url:
        with pytest.raises(MonitorError) as raised:
            await fetch(url, "/routez", LONG)
    assert raised.value.outcome == outcome
    assert f"{url}/routez" in str(raised.value)


async def test_a_large_answer_is_fetched_whole() -> None:
    names = [f"channel-{i}" for i in range(50_000)]
    async with serving(answering(http(json.dumps({"names": names}).encode()))) as url:
        assert (await fetch(url, "/streaming/channelsz", LONG))["names"] == names


async def test_no_path_can_add_a_header() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        writer.write(http(json.dumps({"lines": len(lines), "first": lines[0].decode()}).encode()))

    async with serving(handler) as url:
        answer = await fetch(url, "/streaming/channelsz?channel=a b\r\nX: y\r\n\r\n", LONG)
    assert answer == {
        "lines": 4,
        "first": "GET /streaming/channelsz?channel=a%20b%0D%0AX%3A%20y%0D%0A%0D%0A HTTP/1.0",
    }


@pytest.mark.parametrize("url", ["ftp://127.0.0.1:1", "127.0.0.1:8222", "http://", "file:///etc/passwd"])
async def test_only_http_is_asked(url: str) -> None:
    assert (await ask_role(url, LONG)).outcome == "strange"


async def test_a_cancelled_probe_leaves_no_connection() -> None:
    arrived = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        arrived.set()

    async with serving(handler) as url:  # which waits for the end of its connections
        task = asyncio.create_task(ask_role(url, LONG))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("body", [b"[%s{}]" % (b"{}," * 150_000), b'{"a": [%s1]}' % (b"1," * 500_000)])
async def test_an_answer_of_too_many_values_is_not_parsed(body: bytes) -> None:
    """Each takes up to fifty times the memory that it takes in the answer."""
    async with serving(answering(http(body))) as url:
        with pytest.raises(MonitorError, match="has more than 400000 values") as caught:
            await fetch(url, "/varz", LONG)
    assert caught.value.outcome == "strange"


def test_limits_leave_room_for_real_answers() -> None:
    assert len(json.dumps(SERVERZ)) < client.ROLE_BYTES < client.FETCH_BYTES


async def test_status_is_asked_of_the_monitor_itself_whatever_proxy_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with serving(answering(http(b"", "204 No Content"))) as url:
        assert await client.status(url, "/streaming/isFTActive", LONG) == 204
    with pytest.raises(MonitorError, match="is the node running"):
        await client.status(url, "/streaming/isFTActive", LONG)
