"""Client of a node's monitoring port, with a deadline for each request.

The server's monitor answers late or never when it matters most: while a store recovers it sends nothing,
a frozen process accepts connections and sends nothing, and for the first milliseconds of a run
``/streaming`` does not exist yet. So `ask_role` returns these as outcomes, not errors.

Plain HTTP/1.0 over asyncio's streams: one request per connection, no redirects, and a
limit on the bytes read.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from stanlocal.errors import LoginError, MonitorError
from stanlocal.model.plan import Monitor, MonitorAddress

Outcome = Literal["answered", "not-ready", "silent", "refused", "strange"]
"""`answered`; `not-ready`: 404, streaming has not started yet; `silent`: no complete answer before the
deadline; `refused`: nothing listens, or the connection ended without an answer; `strange`: an answer that no
NATS Streaming server gives."""

ROLE_BYTES = 64 << 10
"""Limit on the bytes of an answer to `ask_role`; the server's is about 600 bytes."""
FETCH_BYTES = 4 << 20
"""Limit on the bytes of an answer to `fetch`: some 12,000 subscriptions. Longer lists are read in pages."""
_MOST_TABLES = 100_000
_MOST_VALUES = 400_000
"""Limits on an answer's tables and values: each takes up to 100 bytes of memory, for 2 or 3 in the answer."""


_PORTS = {"http": 80, "https": 443}


def url_of(monitor: Monitor) -> str:
    """Return the URL of a monitor."""
    return monitor if isinstance(monitor, str) else monitor.url


@dataclass(frozen=True, slots=True)
class MonitorAnswer:
    """Answer of a node's monitor to `ask_role`."""

    outcome: Outcome
    state: str | None = None
    """`FT_ACTIVE`, `FT_STANDBY`, … if it answered. Active means that the node holds the lock; it may
    not have read the store yet."""
    server_id: str | None = None
    cluster_id: str | None = None
    """Empty on a standby."""
    version: str | None = None
    detail: str | None = None
    """Description of a strange answer."""


async def ask_role(monitor: Monitor, timeout: float) -> MonitorAnswer:
    """Ask a monitor for the node's role; returns within `timeout` seconds."""
    try:
        document = await _get_json(monitor, "/streaming/serverz", timeout, ROLE_BYTES)
    except MonitorError as err:
        return MonitorAnswer(err.outcome, detail=str(err) if err.outcome == "strange" else None)
    return MonitorAnswer(
        "answered",
        state=_text(document, "state"),
        server_id=_text(document, "server_id"),
        cluster_id=_text(document, "cluster_id"),
        version=_text(document, "version"),
    )


async def fetch(monitor: Monitor, path: str, timeout: float) -> dict[str, Any]:
    """Return the JSON document at `path` (`/varz`, `/streaming/channelsz?subs=1`, …) of a monitor.

    Raises `MonitorError`, with the `outcome` that `ask_role` returns, within `timeout` seconds.
    """
    return await _get_json(monitor, path, timeout, FETCH_BYTES)


async def is_alive(monitor: Monitor, timeout: float) -> bool:
    """Whether a monitor answers GET / with success within `timeout` seconds.

    Kubernetes deployments use the same request as liveness probe; it does not check streaming.
    """
    try:
        return 200 <= await status(monitor, "/", timeout) < 400
    except MonitorError:
        return False


async def status(monitor: Monitor, path: str, timeout: float) -> int:
    """Return the HTTP status with which a monitor answers GET `path`.

    Raises `MonitorError`, with `outcome`, if no answer comes within `timeout` seconds.
    """
    code, _ = await _answer(monitor, path, timeout, ROLE_BYTES)
    return code


def _text(document: dict[str, Any], key: str) -> str | None:
    value = document.get(key)
    return value if isinstance(value, str) else None


async def _answer(monitor: Monitor, path: str, timeout: float, limit: int) -> tuple[int, bytes]:
    """Return status and body of an answer; raise `MonitorError` if there is none in time."""
    address = url_of(monitor) + path
    try:
        async with asyncio.timeout(timeout):
            if isinstance(monitor, str | MonitorAddress):
                return await _get(monitor, path, limit)
            return await monitor.get(path, limit)
    except TimeoutError:
        raise MonitorError(f"no answer from {address} within {timeout:g} s", "silent") from None
    except LoginError as err:
        raise MonitorError(f"{address} cannot be asked: {err}", "strange") from err
    except ssl.SSLError as err:
        raise MonitorError(f"no answer from {address}: {err.reason or err}", "strange") from err
    except OSError as err:
        raise MonitorError(f"no answer from {address} ({err}); is the node running?", "refused") from err
    except ValueError as err:
        raise MonitorError(f"{address} is not a monitor of the server: {err}", "strange") from err


async def _get_json(monitor: Monitor, path: str, timeout: float, limit: int) -> dict[str, Any]:
    address = url_of(monitor) + path
    code, body = await _answer(monitor, path, timeout, limit)
    if code == 404:
        raise MonitorError(f"{address} is not there; the server may still be starting", "not-ready")
    if code != 200:
        raise MonitorError(f"{address} answered with HTTP status {code}", "strange")
    if body.count(b"{") + body.count(b"[") > _MOST_TABLES or body.count(b",") > _MOST_VALUES:
        raise MonitorError(f"the answer of {address} has more than {_MOST_VALUES} values", "strange")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as err:
        raise MonitorError(f"the answer of {address} is not JSON ({err})", "strange") from err
    if not isinstance(document, dict):
        raise MonitorError(f"the answer of {address} is not a JSON object", "strange")
    return document


async def _get(monitor: str | MonitorAddress, path: str, limit: int) -> tuple[int, bytes]:
    """Return status and body; raise `ValueError` for an answer that is not HTTP, or too long."""
    parts = urlsplit(url_of(monitor))
    if parts.scheme not in _PORTS or parts.hostname is None:
        raise ValueError("only addresses like http://127.0.0.1:8222 can be asked")
    port = parts.port or _PORTS[parts.scheme]
    tls = _tls(monitor, parts.hostname) if parts.scheme == "https" else {}
    reader, writer = await asyncio.open_connection(parts.hostname, port, limit=ROLE_BYTES, **tls)
    try:
        writer.write(f"GET {quote(path, safe='/?=&%')} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            raise ValueError(f"no end of its headers within {ROLE_BYTES} bytes") from None
        except asyncio.IncompleteReadError as err:
            if err.partial:
                raise ValueError(f"it broke off after {err.partial[:40]!r}") from None
            raise ConnectionResetError("the connection ended without an answer") from None
        code, length = _parse_head(head)
        body = await _read(reader, length, limit)
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()
    return code, body


def _tls(monitor: str | MonitorAddress, host: str) -> dict[str, Any]:
    """Return the arguments of a TLS connection; the server asks no monitor's reader for a certificate."""
    from stanlocal.access.login import TlsFiles
    from stanlocal.access.tls_context import client_context

    if isinstance(monitor, str):
        return {"ssl": client_context(TlsFiles())}
    return {
        "ssl": client_context(TlsFiles(monitor.trusted)),
        "server_hostname": monitor.server_name or host,
    }


def _parse_head(head: bytes) -> tuple[int, int | None]:
    """Parse the status and, where given, the body's length."""
    first, *headers = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    code = rest[:3]
    if not version.startswith("HTTP/1.") or not (code.isascii() and code.isdigit()):
        raise ValueError(f"it began with {first[:40]!r}")
    for header in headers:
        name, _, value = header.partition(":")
        if name.lower() == "content-length":
            digits = value.strip()
            if not (digits.isascii() and digits.isdigit() and len(digits) < 16):
                raise ValueError(f"its content-length is {digits[:40]!r}")
            return int(code), int(digits)
    return int(code), None


async def _read(reader: asyncio.StreamReader, length: int | None, limit: int) -> bytes:
    """Read `length` bytes, or until the end."""
    body = bytearray()
    while length is None or len(body) < length:
        if len(body) > limit or (length or 0) > limit:
            raise ValueError(f"its answer is longer than {limit} bytes")
        chunk = await reader.read(1 << 16)
        if not chunk:
            break
        body += chunk
    if length is not None and len(body) < length:
        raise ValueError(f"it broke off after {len(body)} of {length} bytes")
    return bytes(body[:length])
