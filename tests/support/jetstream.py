"""A real JetStream server as a local process, for tests marked `server`.

``python -m tests.support.jetstream`` builds it if it is missing.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nats

from stanlocal.engine.artifacts.binary import host_platform
from stanlocal.engine.artifacts.go_build import JETSTREAM_NAME, build, jetstream_server
from tests.support.ports import free_ports
from tests.support.server import Server, followed

VERSION = "2.15.2"
_READY_S = 30


def find_jetstream() -> Path | None:
    """Return the executable if it was built."""
    path = jetstream_server(VERSION).kept(host_platform())[JETSTREAM_NAME]
    return path if path.is_file() else None


async def build_jetstream(version: str) -> Path:
    """Return the executable of another version, built now unless the cache has it."""
    built = await build(jetstream_server(version), host_platform(), lambda line: None)
    return built[JETSTREAM_NAME]


@dataclass
class JetStreamServer(Server):
    """A server on a port of its own."""

    port: int = 0

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"


@contextmanager
def running_jetstream(
    binary: Path,
    folder: Path,
    port: int | None = None,
    *,
    jetstream: bool = True,
    options: Sequence[str] = (),
) -> Iterator[JetStreamServer]:
    """Run a server over the folder; it is killed on the way out, and may be started on it again."""
    [chosen] = [port] if port is not None else free_ports(1)
    command = [str(binary), "-a", "127.0.0.1", "-p", str(chosen)]
    command += [*options, *(["-js", "-sd", str(folder)] if jetstream else [])]
    environment = {**os.environ, "TZ": "UTC"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    with followed(JetStreamServer(process, port=chosen)) as server:
        server.wait_for("Server is ready")
        yield server


@contextmanager
def running_cluster(binary: Path, folder: Path, size: int = 3) -> Iterator[list[JetStreamServer]]:
    """Run a cluster of servers, ready once they have a leader of their JetStream."""
    ports = free_ports(2 * size)
    routes = ",".join(f"nats://127.0.0.1:{port}" for port in ports[size:])
    servers: list[JetStreamServer] = []

    def start(number: int) -> subprocess.Popen[str]:
        command = [
            str(binary),
            *("-a", "127.0.0.1", "-p", str(ports[number]), "-js", "-sd", str(folder / str(number))),
            *("-n", f"js-{number}", "--cluster_name", "js", "--routes", routes),
            *("--cluster", f"nats://127.0.0.1:{ports[size + number]}"),
        ]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def nested(number: int) -> Iterator[list[JetStreamServer]]:
        if number == size:
            for server in servers:
                server.wait_for("metadata leader")
            yield servers
            return
        with followed(JetStreamServer(start(number), port=ports[number])) as server:
            servers.append(server)
            yield from nested(number + 1)

    yield from nested(0)


async def make_ready(cluster: list[JetStreamServer]) -> None:
    """Wait until the cluster makes a stream on all its servers, and delete that again."""
    client = await nats.connect(cluster[0].url)
    try:
        stream = client.jetstream(timeout=1)
        async with asyncio.timeout(_READY_S):
            while True:
                try:
                    await stream.add_stream(name="ready", subjects=["ready"], num_replicas=len(cluster))
                    break
                except (nats.errors.Error, TimeoutError):
                    continue
            await stream.delete_stream("ready")
    finally:
        await client.close()


def main() -> None:
    asyncio.run(build(jetstream_server(VERSION), host_platform(), lambda line: print(line, file=sys.stderr)))  # noqa: T201


if __name__ == "__main__":
    main()
