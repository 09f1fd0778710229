"""The node behind a route: by the name that it sends, or by the process at the other end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from stanlocal.engine.process.supervisor.route_peer import is_tls, name_in, node_of

HELLO = b"\x16\x03\x01\x02\x00\x01"


def record(nodes: Path, name: str, pid: int) -> None:
    (nodes / name).mkdir()
    (nodes / name / "run").write_text(
        f"number 1\nsupervisor 1 birth\nserver {pid} some birth\nstatus running\n"
    )


@pytest.mark.parametrize("said", [b"CONNECT {}\r\nINFO {}\r\n", b"", b"\x15"])
def test_only_a_handshake_is_taken_for_tls(said: bytes) -> None:
    assert is_tls(HELLO)
    assert not is_tls(said)


def test_the_name_is_known_once_its_line_is_whole() -> None:
    said = b'CONNECT {"verbose":false}\r\nINFO {"server_id":"X","server_name":"g-1"}'
    assert name_in(said) is None
    assert name_in(said + b"\r\n") == "g-1"


@pytest.mark.parametrize("has_proc", [True, False], ids=["proc", "psutil"])
def test_a_connection_is_its_processes(tmp_path: Path, has_proc: bool) -> None:
    """The node is found whose server has opened the connection, not another that runs."""
    if has_proc and sys.platform != "linux":
        pytest.skip("there is no /proc")

    def opener(connection: socket.socket) -> str | None:
        return node_of(connection, str(tmp_path), has_proc=has_proc)

    record(tmp_path, "g-0", os.getpid())
    (tmp_path / "g-9").mkdir()  # was never started
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        script = f"import socket, sys; s = socket.create_connection(('127.0.0.1', {port})); sys.stdin.read()"
        with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as other:
            record(tmp_path, "g-1", other.pid)
            accepted, _ = listener.accept()
            with accepted:
                assert opener(accepted) == "g-1"
                other.communicate()
                assert opener(accepted) is None
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:
                assert opener(accepted) == "g-0"
