"""The terminal interface in a browser: textual-serve, behind a secret address on the loopback interface.

Each page runs a process of its own. The address grants everything that its owner may do, so every request
needs the token in it, and pages of other sites are refused even with the token.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import shlex
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp_jinja2
from aiohttp import web
from jinja2 import FileSystemLoader
from textual_serve.app_service import AppService
from textual_serve.server import Server, to_int

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HOST = "127.0.0.1"
_PAGE = Path(__file__).with_name("page")
_TOKEN_BYTES = 32
_END_S = 5.0
"""Seconds that a page's process may take to end before it is killed, unless the command needs longer."""
_HEARTBEAT_S = 15.0
_MOST_COLUMNS, _MOST_ROWS = 1000, 400
"""Limits of a page's size: larger than any browser's; every cell costs the process memory."""


class PageProcess(AppService):
    """The process behind one page; each ends with the other."""

    def __init__(self, command: str, *, end_s: float, **channels: Any) -> None:
        super().__init__(command, **channels)
        self._end_s = end_s

    async def start(self, width: int, height: int) -> None:
        """Start the process on a screen of that size, within the limits."""
        await super().start(*_clamped(width, height))

    async def set_terminal_size(self, width: int, height: int) -> None:
        """Report a new size of the page to the process, within the limits."""
        if isinstance(width, int) and isinstance(height, int):  # the page may have sent anything
            await super().set_terminal_size(*_clamped(width, height))

    async def run(self) -> None:
        """Pass on what the process draws until it ends, and close the page."""
        try:
            await super().run()
        finally:
            await self.remote_close()

    async def stop(self) -> None:
        """Ask the process to end, and kill it if it does not."""
        process = self._process
        if process is None:
            return
        try:
            async with asyncio.timeout(self._end_s):
                await super().stop()
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _clamped(width: int, height: int) -> tuple[int, int]:
    return min(max(width, 1), _MOST_COLUMNS), min(max(height, 1), _MOST_ROWS)


class WebServer(Server):
    """Server of the pages of one command, under `/<token>/` of one port."""

    def __init__(self, command: Sequence[str], port: int, title: str, end_s: float = _END_S) -> None:
        super().__init__(
            f"exec {shlex.join(command)}", host=_HOST, port=port, title=title, templates_path=_PAGE
        )
        self._token = secrets.token_urlsafe(_TOKEN_BYTES)
        self._authority = f"{_HOST}:{port}"
        self._origin = f"http://{self._authority}"
        self._processes: set[PageProcess] = set()
        self._end_s = end_s

    @property
    def address(self) -> str:
        """Address with the token, which is the whole secret; it is shown to the user only."""
        return f"{self._origin}/{self._token}/"

    def application(self) -> web.Application:
        """Return the web application; textual-serve's own would answer every request."""

        @web.middleware
        async def admitted(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not self._admits(request):
                raise web.HTTPForbidden(text="403: open the address that 'stanlocal tui --web' printed\n")
            return await handler(request)

        app = web.Application(middlewares=[admitted])
        aiohttp_jinja2.setup(app, loader=FileSystemLoader(self.templates_path))
        app.add_routes(
            [
                web.get(f"/{self._token}/", self.handle_index, name="index"),
                web.get(f"/{self._token}/ws", self.handle_websocket, name="websocket"),
                web.static(f"/{self._token}/static", self.statics_path, name="static"),
                web.static(f"/{self._token}/page", _PAGE),
            ]
        )
        app.on_response_prepare.append(self._harden)
        app.on_shutdown.append(self.on_shutdown)
        return app

    def _admits(self, request: web.Request) -> bool:
        """Check the token, the origin, and the host, which stops DNS rebinding."""
        token = request.path.split("/", 2)[1]
        origin = request.headers.get("Origin")
        opens_socket = request.headers.get("Upgrade") is not None
        return (
            hmac.compare_digest(token.encode(errors="replace"), self._token.encode())
            and request.headers.get("Host") == self._authority
            and (origin == self._origin or (origin is None and not opens_socket))
        )

    async def _harden(self, _: web.Request, response: web.StreamResponse) -> None:
        """Add headers that keep the page from loading other sites and from leaking its address."""
        policy = (
            "default-src 'none'; img-src 'self' data:; script-src 'self'; "
            f"style-src 'self' 'unsafe-inline'; connect-src ws://{self._authority}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        response.headers["Content-Security-Policy"] = policy
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run a process for as long as its page is open."""
        page = web.WebSocketResponse(heartbeat=_HEARTBEAT_S)
        await page.prepare(request)

        async def close() -> None:
            await page.close()

        process = PageProcess(
            self.command,
            end_s=self._end_s,
            write_bytes=page.send_bytes,
            write_str=page.send_str,
            close=close,
            download_manager=self.download_manager,
        )
        self._processes.add(process)
        try:
            width, height = (request.query.get(side, "") for side in ("width", "height"))
            await process.start(to_int(width, 80), to_int(height, 24))
            await self._process_messages(page, process)
        finally:
            await process.stop()
            self._processes.discard(process)
        return page

    async def on_shutdown(self, app: web.Application) -> None:
        """End every page's process."""
        await asyncio.gather(*(process.stop() for process in self._processes))


async def serve(
    command: Sequence[str], *, title: str, announce: Callable[[str], object], end_s: float = _END_S
) -> None:
    """Serve the interface of `command` until cancelled; all its processes have ended then.

    `announce` gets the address with the token once it can be opened; no log and no other process can see it.
    A page's process may take `end_s` seconds to end before it is killed.
    """
    with socket.create_server((_HOST, 0)) as listening:
        server = WebServer(command, listening.getsockname()[1], title, end_s)
        runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=end_s)
        try:
            await runner.setup()
            await web.SockSite(runner, listening).start()
            announce(server.address)
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()
