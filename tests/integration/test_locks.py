"""The store lock of the real server, as the kernel shows it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from stanlocal.machine.locks import LOCK_FILE, lock_holder
from tests.support.server import running

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows its locks"),
]


def test_the_active_server_holds_the_lock_frozen_or_not(server_binary: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    with running(server_binary, store) as server:
        server.wait_for("Starting in standby mode")
        assert lock_holder(store / LOCK_FILE).pid is None
        server.wait_for("Server is active")
        assert lock_holder(store / LOCK_FILE).pid == server.process.pid
        server.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, server.process.pid, os.WSTOPPED)
        assert lock_holder(store / LOCK_FILE).pid == server.process.pid
        server.process.kill()
        server.process.wait()
        assert lock_holder(store / LOCK_FILE).pid is None


def test_a_lock_file_that_was_removed_has_no_holder(server_binary: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    with running(server_binary, store) as server:
        server.wait_for("Server is active")
        assert lock_holder(store / LOCK_FILE).pid == server.process.pid
        (store / LOCK_FILE).unlink()
        assert lock_holder(store / LOCK_FILE).pid is None
