"""A Docker Engine's API on a Unix socket, as much of it as a throw-away container needs."""

from __future__ import annotations

import json
import re
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar

_INFO = {
    "ID": "fake",
    "ServerVersion": "5.4.2",
    "Architecture": "x86_64",
    "KernelVersion": "0",
    "Name": "elsewhere",
    "SecurityOptions": [],
}
_ENDED = {
    "Id": "c",
    "State": {"Running": False, "ExitCode": 1},
    "Config": {"Labels": {}},
    "NetworkSettings": {"Ports": {}},
}


class _Handler(BaseHTTPRequestHandler):
    """An engine that has every image, and on which no container starts or stays."""

    protocol_version = "HTTP/1.1"
    refusal: ClassVar[str | None]
    output: ClassVar[bytes]
    made: ClassVar[set[str]]
    """The names of the containers that are there."""

    def _serve(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = re.sub(r"^/v[0-9.]+", "", self.path)
        match self.command, path.partition("?")[0].strip("/").split("/"):
            case _, ["_ping"]:
                self._answer(200, b"OK")
            case "GET", ["info"]:
                self._answer(200, _INFO)
            case "GET", ["images", *_, "json"]:
                self._answer(200, {"Id": "sha256:1", "Size": 1, "Config": {}, "RepoDigests": []})
            case "POST", ["containers", "create"]:
                self.made.add(path.partition("name=")[2])
                self._answer(201, {"Id": "c", "Warnings": []})
            case "POST", ["containers", "c", "start"] if self.refusal is not None:
                self._answer(500, {"message": self.refusal})
            case "POST", ["containers", "c", "start"]:
                self._answer(204, b"")
            case "GET", ["containers", "c", "logs"]:
                self._answer(200, struct.pack(">BxxxL", 1, len(self.output)) + self.output)
            case "GET", ["containers", "c", "json"]:
                self._answer(200, _ENDED)
            case "DELETE", ["containers", "c"]:
                self.made.clear()
                self._answer(204, b"")
            case "GET", ["containers", "json"] | ["networks"]:
                self._answer(200, [])
            case _:
                self._answer(404, {"message": f"no such thing: {self.path}"})

    do_GET = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815 - http.server calls them so

    def _answer(self, status: int, content: Any) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Api-Version", "1.41")
        self.send_header("Content-Type", "text/plain" if isinstance(content, bytes) else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        """Return no address: the socket has none."""
        return "-"

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@contextmanager
def engine_that_starts_nothing(socket: Path, refusal: str | None, output: bytes = b"") -> Iterator[set[str]]:
    """An engine that refuses every start in these words, or, without any, whose containers end at once.

    Yields the names of the containers that it has.
    """
    made: set[str] = set()
    handler = type("Handler", (_Handler,), {"refusal": refusal, "output": output, "made": made})
    with _Server(str(socket), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield made
        finally:
            server.shutdown()
