"""A group whose NATS server is another's, and goes away: not healthy, with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.ports import free_ports
from tests.support.server import run_server

pytestmark = pytest.mark.server


@pytest.fixture
def cli(tmp_path: Path, group_name: str, server_binary: Path) -> Iterator[Cli]:
    (port,) = free_ports(1)
    env = {
        "STANLOCAL_ENGINE": "process",
        "STANLOCAL_SERVER_BINARY": str(server_binary),
        "STANLOCAL_STREAMING__NATS_SERVER_URL": f"nats://127.0.0.1:{port}",
    }
    cli = Cli(tmp_path, env, group_name)
    yield cli
    cli.ok("down", "--purge", "--yes", "--timeout", "0")


def test_a_group_without_its_nats_server_is_blocked_until_that_is_back(
    cli: Cli, server_binary: Path, tmp_path: Path
) -> None:
    url = cli.env["STANLOCAL_STREAMING__NATS_SERVER_URL"]
    conf = f"listen: '{url.removeprefix('nats://')}'\nstreaming {{ id: elsewhere, store: memory }}\n"
    with run_server(server_binary, conf, tmp_path / "nats") as nats:
        nats.wait_for("Streaming Server is ready")
        assert cli.json("up")["state"] == "healthy"
    blocked = cli.json("wait", "--state", "blocked", "--timeout", "20")
    assert f"has lost the NATS server {url} and keeps the store lock" in blocked["problem"]
    assert blocked["active"] is None
    assert cli.json("status")["state"] == "blocked"
    refused = cli.run("wait", "--state", "healthy", "--timeout", "1")
    assert refused.returncode == 1
    assert f"has lost the NATS server {url}" in refused.stderr
    with run_server(server_binary, conf, tmp_path / "nats") as nats:
        nats.wait_for("Streaming Server is ready")
        assert cli.json("wait", "--state", "healthy", "--timeout", "30")["problem"] is None
