"""The endpoint: HTTP as far as a scraper needs it, one request a connection, bounded in time and size."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import urlsplit

from stanlocal.errors import StanlocalError

Answer = Callable[[str], Awaitable[tuple[bytes, str]]]
"""Takes what the asker accepts; gives the text and its content type."""

_HEAD_BYTES = 16 << 10
_HEAD_S = 5.0
_INDEX = b"<!doctype html><title>stanlocal</title><a href=metrics>metrics</a>\n"


async def serve(host: str, port: int, answer: Answer) -> asyncio.Server:
    """Listens; each GET of /metrics is answered with what `answer` gives. Raises `OSError`."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_HEAD_S):
                head = await reader.readuntil(b"\r\n\r\n")
            writer.write(await _respond(head, answer))
            await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ConnectionError):
            pass  # an asker that says nothing, too much, or goes away gets nothing
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    return await asyncio.start_server(handle, host, port, limit=_HEAD_BYTES)


async def _respond(head: bytes, answer: Answer) -> bytes:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    path = urlsplit(rest.partition(" ")[0]).path
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if value
    }
    if method not in ("GET", "HEAD"):
        return _message(HTTPStatus.METHOD_NOT_ALLOWED, b"only GET\n", "text/plain")
    if path == "/":
        return _message(HTTPStatus.OK, _INDEX, "text/html; charset=utf-8", body=method == "GET")
    if path != "/metrics":
        return _message(HTTPStatus.NOT_FOUND, b"see /metrics\n", "text/plain")
    return await _metrics(headers, answer, body=method == "GET")


async def _metrics(headers: Mapping[str, str], answer: Answer, *, body: bool) -> bytes:
    try:
        text, content_type = await answer(headers.get("accept", ""))
    except StanlocalError as error:
        return _message(HTTPStatus.SERVICE_UNAVAILABLE, f"{error}\n".encode(), "text/plain; charset=utf-8")
    return _message(HTTPStatus.OK, text, content_type, body=body)


def _message(status: HTTPStatus, text: bytes, content_type: str, *, body: bool = True) -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        f"Content-Type: {content_type}\r\n"
        f"Content-Length: {len(text)}\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + (text if body else b"")
