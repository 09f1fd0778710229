"""A group beside a NATS server of its own, as the chart runs it: a failover there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.ports import free_ports
from tests.support.server import run_server

pytestmark = [pytest.mark.docker, pytest.mark.server]


@pytest.fixture
def nats(server_binary: Path, tmp_path: Path) -> Iterator[str]:
    """A NATS server on all addresses of this machine: the one inside a server of another cluster."""
    (port,) = free_ports(1)
    conf = f"listen: '0.0.0.0:{port}'\nstreaming {{ id: elsewhere, store: memory }}\n"
    with run_server(server_binary, conf, tmp_path / "nats") as server:
        server.wait_for("Streaming Server is ready")
        yield f"nats://127.0.0.1:{port}"


def test_a_group_beside_a_nats_server_fails_over_and_its_clients_stay_where_they_are(
    cli: Cli, nats: str
) -> None:
    elsewhere = {"STANLOCAL_STREAMING__NATS_SERVER_URL": nats}
    document = cli.json("up", **elsewhere)
    assert document["state"] == "healthy"
    assert document["client_urls"] == [nats]
    cli.ok("pub", "orders", "one")
    cli.ok("kill", "@active")
    cli.ok("wait", "--state", "degraded", "--timeout", "20")
    assert cli.json("status")["active"] not in (None, document["active"])
    cli.ok("pub", "orders", "two")
    lines = cli.ok("sub", "orders", "--all", "--count", "2", "--timeout", "20", "--json").splitlines()
    assert [json.loads(line)["data"] for line in lines] == ["one", "two"]
    assert cli.json("up")["state"] == "healthy"
