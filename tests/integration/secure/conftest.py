"""A secured group of two nodes on each real engine, one for all tests of a module."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from stanlocal.access.environment import variables
from stanlocal.api import FTGroup


@pytest.fixture(scope="module")
def name(on_engine: str) -> Iterator[str]:
    """The name of the module's group; purged at the end."""
    name = f"t-{secrets.token_hex(4)}"
    yield name

    async def purge() -> None:
        group = FTGroup(group=name)
        await group.down(timeout=0, purge=True)
        await group.close()

    asyncio.run(purge())


@pytest.fixture
async def group(name: str) -> AsyncIterator[FTGroup]:
    """The module's group, healthy and secured."""
    group = FTGroup(group=name, secure=True)
    await group.up()
    yield group
    await group.close()


async def environment(group: FTGroup) -> dict[str, str]:
    """Return the variables that `stanlocal env` prints for the group."""
    return variables((await group.look()).plan)


def password(env: dict[str, str]) -> str:
    return Path(env["NATS_PASSWORD_FILE"]).read_text("ascii")
