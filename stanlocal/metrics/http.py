"""The HTTP server of the metrics: one request per connection, and a check of `Host` on loopback addresses."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from stanlocal.errors import StanlocalError, described

Answer = Callable[[str], Awaitable[tuple[bytes, str]]]
"""Callback from the request's `Accept` to the text and its content type."""

_INDEX = "<!doctype html><title>stanlocal</title><a href=metrics>metrics</a>\n"
_SHUTDOWN_S = 1.0
"""Time that requests have to end when the server stops."""
_LOG = logging.getLogger("stanlocal")
_UNHEARD = logging.Logger(__name__, logging.CRITICAL + 1)
"""Silent logger: aiohttp would log a traceback for each malformed request."""


@asynccontextmanager
async def serve(host: str, port: int, answer: Answer) -> AsyncIterator[tuple[str, int]]:
    """Serve GET /metrics with the result of `answer`.

    Yields the host and port listened on. Raises `OSError` if it cannot listen.
    """
    served: set[str] = set()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        response = await _respond(request, answer, served)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.force_close()
        return response

    server = web.Server(handle, access_log=None, logger=_UNHEARD)
    runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        listening = runner.addresses[0]
        address = str(listening[0]), int(listening[1])
        served |= _authorities(*address)
        yield address
    finally:
        await runner.cleanup()


def shown(host: str, port: int) -> str:
    """Return host and port as written in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _authorities(host: str, port: int) -> set[str]:
    """Return the accepted values of `Host`; none for an address that other machines reach: any is accepted.

    A page in a browser can have its own name resolve to the loopback address; it cannot change `Host`.
    """
    if not ipaddress.ip_address(host.partition("%")[0]).is_loopback:
        return set()
    return {shown(name, port) for name in (host, "127.0.0.1", "::1", "localhost")}


async def _respond(request: web.BaseRequest, answer: Answer, served: set[str]) -> web.Response:
    host = request.headers.get("Host")
    if served and host is not None and host.lower() not in served:
        return web.Response(status=403, text=f"not for this host; ask {min(served)}\n")
    if request.method not in ("GET", "HEAD"):
        return web.Response(status=405, text="only GET\n", headers={"Allow": "GET, HEAD"})
    if request.path == "/":
        return web.Response(text=_INDEX, content_type="text/html")
    if request.path != "/metrics":
        return web.Response(status=404, text="see /metrics\n")
    try:
        body, content_type = await answer(request.headers.get("Accept", ""))
    except StanlocalError as error:
        return web.Response(status=503, text=f"{error}\n")
    except Exception as error:  # noqa: BLE001 - logged, as whoever scrapes sees only the number
        _LOG.exception("defect in stanlocal, in an answer to a request for metrics")
        return web.Response(status=500, text=f"{described(error)}\n")
    return web.Response(body=body, headers={"Content-Type": content_type})
