"""The exported compose.yaml, brought up by docker-compose."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.conftest import unavailable
from tests.e2e.export.conftest import wait_for_active
from tests.support.cli import Cli

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


def test_docker_compose_brings_the_group_up_and_a_failover_loses_nothing(
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
