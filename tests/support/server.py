"""The real nats-streaming-server as a local process, on a configuration of the test's own."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

READY = "STREAM: Streaming Server is ready"
_DEADLINE_S = 20.0


def free_ports(count: int) -> list[int]:
    """Different TCP ports of the loopback that nothing has right now."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


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


@contextmanager
def run_server(binary: Path, conf: str, folder: Path) -> Iterator[Server]:
    """Runs the server on `conf` in `folder`; it is ended on the way out."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "stan.conf"
    file.write_text(conf, encoding="utf-8")
    process = subprocess.Popen([binary, "-sc", file], cwd=folder, stderr=subprocess.PIPE, text=True)
    server = Server(process)
    follower = threading.Thread(target=server.follow)
    follower.start()
    try:
        yield server
    finally:
        process.kill()
        process.wait()
        follower.join()
        assert process.stderr is not None
        process.stderr.close()


def monitor(port: int, path: str) -> Any:
    """What the monitor on the loopback answers, parsed."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=_DEADLINE_S) as answer:
        return json.load(answer)
