"""Groups on each real engine, each with a name and ports of its own."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from stanlocal.api import FTGroup
from tests.support.census import NOTHING, Left
from tests.support.cli import Cli
from tests.support.ports import groups_in_a_block


@pytest.fixture
def own_ports(on_engine: str) -> Iterator[int]:
    """Give the test's groups ports that no other group has had; the first one."""
    with groups_in_a_block() as first:
        yield first


@pytest.fixture
async def group(group_name: str, own_ports: int) -> AsyncIterator[FTGroup]:
    """A group that is not up yet; purged at the end."""
    group = FTGroup(group=group_name)
    yield group
    await group.down(timeout=0, purge=True)
    await group.close()


@pytest.fixture(scope="module")
def shared_name(on_engine: str) -> Iterator[str]:
    """The name of a group for all tests of a module; purged at the end."""
    name = f"t-{secrets.token_hex(4)}"

    async def purge() -> None:
        group = FTGroup(group=name)
        await group.down(timeout=0, purge=True)
        await group.close()

    yield name
    asyncio.run(purge())


@pytest.fixture
async def shared(shared_name: str) -> AsyncIterator[FTGroup]:
    """The group of the module as the test before left it; `up` makes it healthy."""
    group = FTGroup(group=shared_name)
    yield group
    await group.close()


@pytest.fixture
def cli(on_engine: str, group_name: str, tmp_path: Path) -> Cli:
    """The command line, for the test's own group."""
    return Cli(tmp_path, group=group_name)


@pytest.fixture
def left(request: pytest.FixtureRequest, on_engine: str, state_home: Path, group_name: str) -> Left:
    client = request.getfixturevalue("docker_client") if on_engine == "docker" else None
    return Left(client, state_home, group_name)


@pytest.fixture
def purged_by_name(cli: Cli, left: Left) -> Iterator[None]:
    """The group for tests that work by commands alone."""
    yield
    cli.run("down", "--purge", "--yes", "--timeout", "0")
    assert left.census() == NOTHING
