"""The command line over the real engine, for groups with names of their own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.support.census import NOTHING, Left
from tests.support.cli import Cli


@pytest.fixture
def cli(group_name: str, tmp_path: Path) -> Cli:
    """The command line, for the test's own group, which need not be there."""
    return Cli(tmp_path, group=group_name)


@pytest.fixture
def left(docker_client: docker.DockerClient, state_home: Path, group_name: str) -> Left:
    return Left(docker_client, state_home, group_name)


@pytest.fixture
def up(cli: Cli, left: Left) -> Iterator[Cli]:
    """The test's own group, healthy, with its first node active; nothing of it is left at the end."""
    cli.up_with_first_active()
    yield cli
    cli.ok("down", "--purge", "--yes", "--timeout", "0")
    assert left.census() == NOTHING


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, docker_client: docker.DockerClient) -> Iterator[Cli]:
    """A group for all tests of a module, with a failover and a fault behind it: node 1 is active."""
    cli = Cli(tmp_path_factory.mktemp("shared"), group=f"t-{secrets.token_hex(4)}")
    cli.up_with_first_active()
    cli.ok("kill", "0")
    cli.ok("wait", "--state", "degraded", "--timeout", "20")
    cli.ok("up")
    yield cli
    cli.ok("down", "--purge", "--yes", "--timeout", "0")
