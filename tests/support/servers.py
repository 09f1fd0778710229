"""The real server as a local process, for tests marked `server`."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs."""

    process: subprocess.Popen[str]
    client_port: int
    monitor_port: int

    @property
    def monitor_url(self) -> str:
        return f"http://127.0.0.1:{self.monitor_port}"

    def wait_for(self, words: str) -> None:
        """Returns when a line with these words was printed; fails when the server ends before."""
        assert self.process.stderr is not None
        seen = []
        for line in self.process.stderr:
            seen.append(line)
            if words in line:
                return
        raise AssertionError(f"the server ended without {words!r}:\n{''.join(seen[-20:])}")


@contextmanager
def running(binary: Path, store: Path, *options: str, cluster_id: str = "test-cluster") -> Iterator[Server]:
    """A server of the FT group `cluster_id` over `store`; it is killed at the end."""
    client_port, monitor_port = free_ports(2)
    command = [
        str(binary),
        *("-a", "127.0.0.1", "-p", str(client_port), "-m", str(monitor_port)),
        *("-st", "file", "-dir", str(store), "-cid", cluster_id, "-ft_group", cluster_id),
        *("-cluster", "nats://127.0.0.1:-1"),
        *options,
    ]
    environment = {**os.environ, "TZ": "UTC"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield Server(process, client_port, monitor_port)
        finally:
            process.kill()


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
