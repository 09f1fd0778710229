"""The monitor client against the real server."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from stanlocal.monitor.client import ask_role, fetch
from tests.support.server import running

pytestmark = pytest.mark.server


async def test_a_server_says_what_it_is_on_its_way_to_active(server_binary: Path, tmp_path: Path) -> None:
    with running(server_binary, tmp_path / "store") as server:
        await asyncio.to_thread(server.wait_for, "Starting in standby mode")
        standby = await ask_role(server.monitor_url, 5)
        assert (standby.outcome, standby.state, standby.cluster_id) == ("answered", "FT_STANDBY", "")
        await asyncio.to_thread(server.wait_for, "Streaming Server is ready")
        active = await ask_role(server.monitor_url, 5)
        assert (active.state, active.cluster_id) == ("FT_ACTIVE", "test-cluster")
        assert active.server_id == standby.server_id
        assert active.version is not None
        assert (await fetch(server.monitor_url, "/varz", 5))["port"] == server.client_port
        assert (await fetch(server.monitor_url, "/routez", 5))["num_routes"] == 0


async def test_a_frozen_server_is_silent_and_an_ended_one_refuses(
    server_binary: Path, tmp_path: Path
) -> None:
    with running(server_binary, tmp_path / "store") as server:
        await asyncio.to_thread(server.wait_for, "Starting in standby mode")
        server.process.send_signal(signal.SIGSTOP)
        await asyncio.to_thread(os.waitid, os.P_PID, server.process.pid, os.WSTOPPED)
        assert (await ask_role(server.monitor_url, 0.1)).outcome == "silent"
        server.process.kill()
        await asyncio.to_thread(server.process.wait)
        assert (await ask_role(server.monitor_url, 5)).outcome == "refused"
