"""Groups of two and of three nodes on each real engine, one of each for all tests of a module."""

from __future__ import annotations

import asyncio
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from stanlocal.api import FTGroup
from tests.support.cli import Cli

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(
    scope="module", params=[2, pytest.param(3, marks=pytest.mark.slow)], ids=["2-nodes", "3-nodes"]
)
def nodes(request: pytest.FixtureRequest) -> int:
    """Number of nodes of the group."""
    count: int = request.param
    return count


@pytest.fixture(scope="module")
def name(nodes: int, on_engine: str) -> Iterator[str]:
    """The name of the module's group of that many nodes; purged at the end."""
    name = f"t-{secrets.token_hex(4)}"
    yield name

    async def purge() -> None:
        group = FTGroup(group=name)
        await group.down(timeout=0, purge=True)
        await group.close()

    asyncio.run(purge())


@pytest.fixture
async def group(name: str, nodes: int) -> AsyncIterator[FTGroup]:
    """The module's group, healthy."""
    group = FTGroup(group=name, nodes=nodes)
    await group.up()
    yield group
    await group.close()


def kill_half_way(group: str, fault: str, before: str) -> None:
    """Have a tool inject the fault that is killed by -9 before it writes a record of that type."""
    command = [sys.executable, "-m", "tests.support.kill_half_way", group, fault, before]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == -9, ended.stderr


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command line."""
    return Cli(tmp_path)


@pytest.fixture
async def fillable(nodes: int, on_engine: str, group_name: str) -> AsyncIterator[FTGroup]:
    """A healthy group whose store can be filled; purged at the end, volume and all."""
    limit = "16mb" if on_engine == "docker" else None
    group = FTGroup(group=group_name, nodes=nodes, store_size=limit)
    await group.up()
    yield group
    await group.down(timeout=0, purge=True)
    await group.close()
