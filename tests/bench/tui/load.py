"""A group that is busy: one node writes 5,000 lines a second, and 2,000 messages a second are published."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.group.ours import Command
from tests.support.binary import find_server

LINES_PER_S = 5_000
MESSAGES_PER_S = 2_000
CHANNEL = "orders"
_SIZE = 100
_SERVER = Path(__file__).with_name("flooding_server.py")


@contextmanager
def running(folder: Path, name: str) -> Iterator[Command]:
    """A group of local processes; its servers flood if `flood` was called before they start."""
    real = find_server()
    if real is None:
        raise RuntimeError("no nats-streaming-server; 'python -m tests.support.binary' builds one")
    server = folder / "server"
    server.mkdir()
    shutil.copy(real, server / "server")
    shutil.copy(_SERVER, server)
    for path in (folder, server, *server.iterdir()):
        path.chmod(0o755)  # no server gets special treatment
    command = Command(folder, name)
    command.env |= {"STANLOCAL_ENGINE": "process", "STANLOCAL_SERVER_BINARY": str(server / _SERVER.name)}
    with command.up():
        yield command


def flood(folder: Path, node: str) -> None:
    """Have the node write extra lines beside the server's own, from its next start."""
    (folder / "server" / "flood.json").write_text(json.dumps({"node": node, "rate": LINES_PER_S}))


@contextmanager
def publishing(command: Command) -> Iterator[None]:
    """Publish messages during the block."""
    line = command.line(
        "pub", CHANNEL, "--rate", str(MESSAGES_PER_S), "--size", str(_SIZE), "--count", "1000000000"
    )
    with subprocess.Popen(
        line, env=command.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield
            if process.poll() is not None:
                assert process.stderr is not None
                raise RuntimeError(f"the publisher ended: {process.stderr.read()}")
        finally:
            process.kill()
