"""The real nats-streaming-server as a local process, without stanlocal, for tests marked `server`."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.support.ports import free_ports

READY = "STREAM: Streaming Server is ready"
_DEADLINE_S = 20.0

S = TypeVar("S", bound="Server")


@dataclass
class Server:
    """A running process and everything it has written."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)
    _ended: bool = False

    def follow(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def wait_for(self, text: str) -> str:
        """The first line with `text` in it; an assertion with the whole log when there will be none."""
        with self._news:
            self._news.wait_for(lambda: self._ended or any(text in line for line in self.lines), _DEADLINE_S)
            found = next((line for line in self.lines if text in line), None)
        assert found is not None, f"no line with {text!r} in the log:\n" + "\n".join(self.lines)
        return found

    @property
    def log(self) -> str:
        with self._news:
            return "\n".join(self.lines)


@dataclass
class StreamingServer(Server):
    """A server on ports of its own."""

    client_port: int = 0
    monitor_port: int = 0

    @property
    def monitor_url(self) -> str:
        return f"http://127.0.0.1:{self.monitor_port}"


@contextmanager
def run_server(binary: Path, conf: str, folder: Path) -> Iterator[Server]:
    """Runs the server on `conf` in `folder`; it is ended on the way out."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "stan.conf"
    file.write_text(conf, encoding="utf-8")
    with followed(Server(_start([binary, "-sc", file], folder))) as server:
        yield server


@contextmanager
def running(
    binary: Path, store: Path, *options: str, cluster_id: str = "test-cluster"
) -> Iterator[StreamingServer]:
    """A server of the FT group `cluster_id` over `store`; it is ended on the way out."""
    client_port, monitor_port = free_ports(2)
    command: list[str | Path] = [
        binary,
        *("-a", "127.0.0.1", "-p", str(client_port), "-m", str(monitor_port)),
        *("-st", "file", "-dir", store, "-cid", cluster_id, "-ft_group", cluster_id),
        *("-cluster", "nats://127.0.0.1:-1"),
        *options,
    ]
    server = StreamingServer(_start(command), client_port=client_port, monitor_port=monitor_port)
    with followed(server) as server:
        yield server


def _start(command: Sequence[str | Path], folder: Path | None = None) -> subprocess.Popen[str]:
    environment = {**os.environ, "TZ": "UTC"}
    return subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)


@contextmanager
def followed(server: S) -> Iterator[S]:
    """Collect what a server writes; it is killed on the way out."""
    follower = threading.Thread(target=server.follow)
    follower.start()
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait()
        follower.join()
        assert server.process.stderr is not None
        server.process.stderr.close()


def monitor(port: int, path: str) -> Any:
    """Return what the monitor on the loopback answers, parsed."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=_DEADLINE_S) as answer:
        return json.load(answer)
