"""A group of its own for each drill."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from stanlocal.api import FTGroup


@pytest.fixture
async def group(group_name: str, on_engine: str) -> AsyncIterator[FTGroup]:
    """A healthy group of two on each real engine; purged at the end."""
    group = FTGroup(group=group_name, nodes=2)
    await group.up()
    yield group
    await group.down(timeout=0, purge=True)
    await group.close()
