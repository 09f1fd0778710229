"""The exported compose.yaml, brought up by docker-compose."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.conftest import unavailable
from tests.e2e.export.conftest import make_secrets, wait_for_active, wait_for_standby
from tests.support.cli import Cli
from tests.support.ports import block

pytestmark = pytest.mark.docker


@dataclass(frozen=True, slots=True)
class Compose:
    """docker-compose in the folder of an exported group."""

    folder: Path
    document: dict[str, Any]
    """The group as stanlocal had it, on the same ports."""
    hardening: dict[str, Any]
    """Options with which the Docker engine ran a container of the group."""

    def run(self, *arguments: str) -> None:
        done = subprocess.run(
            ["docker-compose", *arguments],
            cwd=self.folder,
            env={**os.environ, "COMPOSE_PROJECT_NAME": self.document["group"]},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert done.returncode == 0, done.stderr


def hardening(client: docker.DockerClient, name: str) -> dict[str, Any]:
    """The container's resource limits and published ports."""
    found = client.api.inspect_container(name)
    config, host = found["Config"], found["HostConfig"]
    names = (
        "CapDrop",
        "SecurityOpt",
        "ReadonlyRootfs",
        "PidsLimit",
        "LogConfig",
        "PortBindings",
        "Privileged",
    )
    return {
        **{name: host[name] for name in names},
        "user": config["User"],
        "command": config["Cmd"],
        "hostname": config["Hostname"],
        "signal": config["StopSignal"],
    }


@pytest.fixture
def secured(
    cli: Cli, group_name: str, server_image: str, tmp_path: Path, docker_client: docker.DockerClient
) -> Iterator[Compose]:
    """A secured group that never ran here, with what the first lines of its export say."""
    if shutil.which("docker-compose") is None or shutil.which("openssl") is None:
        unavailable("no docker-compose or openssl; Debian has them as packages of these names")
    with block() as free:
        yield from _secured(cli, group_name, tmp_path, free[1:5])


def _secured(cli: Cli, group_name: str, tmp_path: Path, free: Sequence[int]) -> Iterator[Compose]:
    folder = tmp_path / "exported"
    ports = ("--port", str(free[0]), "--monitor-port", str(free[2]))
    cli.ok("export", "compose", "--output", str(folder), *ports, STANLOCAL_SECURE="true")
    made = make_secrets(folder, 'pa"ss')
    (tmp_path / "password").write_text('pa"ss')
    owner = (folder / "store").stat()
    for path in (made, *made.iterdir()):
        os.chown(path, owner.st_uid, owner.st_gid)
    document = {
        "group": group_name,
        "client_urls": [f"tls://127.0.0.1:{port}" for port in free[:2]],
        "monitor_urls": [f"https://127.0.0.1:{port}" for port in free[2:]],
    }
    found = Compose(folder, document, {})
    yield found
    found.run("down", "--timeout", "0", "--volumes")


def test_an_exported_secured_group_runs_with_the_certificates_that_its_header_makes(
    secured: Compose, cli: Cli, tmp_path: Path
) -> None:
    """It comes up, demands TLS and the login, and fails over."""
    server = ("--url", ",".join(secured.document["client_urls"]), "--cluster-id", "test-cluster")
    trusted = ("--tls-ca", str(secured.folder / "secrets" / "ca.pem"))
    login = (*trusted, "--user", "stanlocal", "--password-file", str(tmp_path / "password"))
    context = ssl.create_default_context(cafile=str(secured.folder / "secrets" / "ca.pem"))
    secured.run("up", "--detach")
    active = wait_for_active(secured.document["monitor_urls"], context)
    cli.ok("pub", "orders", "one", *server, *login)
    with socket.create_connection(("127.0.0.1", int(server[1].rpartition(":")[2])), timeout=10) as plain:
        greeting = plain.makefile().readline()
    assert '"auth_required":true' in greeting
    assert '"tls_required":true' in greeting
    index = secured.document["monitor_urls"].index(active)
    secured.run("kill", f"{secured.document['group']}-{index}")
    assert wait_for_active(secured.document["monitor_urls"], context) != active
    printed = cli.ok("sub", "orders", "--all", "--count", "1", "--timeout", "20", *server, *login)
    assert "one" in printed


@pytest.fixture
def compose(cli: Cli, docker_client: docker.DockerClient, tmp_path: Path) -> Iterator[Compose]:
    """The test's group, exported and down: its ports are free again."""
    if shutil.which("docker-compose") is None:
        unavailable("no docker-compose; Debian has it as a package of that name")
    document = cli.json("up")
    measured = hardening(docker_client, document["nodes"][0]["name"])
    cli.ok("down", "--timeout", "0")
    cli.ok("export", "compose", "--output", str(tmp_path / "exported"))
    found = Compose(tmp_path / "exported", document, measured)
    yield found
    found.run("down", "--timeout", "0", "--volumes")


def test_docker_compose_brings_the_group_up_and_a_failover_loses_nothing_and_is_healed(
    compose: Compose, cli: Cli, docker_client: docker.DockerClient
) -> None:
    names = [node["name"] for node in compose.document["nodes"]]
    monitors = compose.document["monitor_urls"]
    server = ("--url", ",".join(compose.document["client_urls"]), "--cluster-id", "test-cluster")

    compose.run("config", "--quiet")
    compose.run("up", "--detach")
    before = wait_for_active(monitors)
    assert hardening(docker_client, names[0]) == compose.hardening
    cli.ok("pub", "orders", "one", *server)

    compose.run("kill", names[monitors.index(before)])
    after = wait_for_active(monitors)
    assert after != before
    cli.ok("pub", "orders", "two", *server)
    printed = cli.ok("sub", "orders", "--all", "--count", "2", "--timeout", "20", "--json", *server)
    assert printed.count('"data":"one"') + printed.count('"data": "one"') == 1
    assert printed.count('"data":"two"') + printed.count('"data": "two"') == 1

    compose.run("up", "--detach")
    wait_for_standby(before)
    assert wait_for_active(monitors) == after
