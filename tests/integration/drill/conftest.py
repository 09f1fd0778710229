"""A group of its own for each drill."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from stanlocal.api import FTGroup
from tests.support.ports import use_ports_of_its_own


@pytest.fixture
async def group(group_name: str, on_engine: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FTGroup]:
    """A healthy group of two on each real engine; purged at the end."""
    use_ports_of_its_own(group_name, monkeypatch)
    group = FTGroup(group=group_name, nodes=2)
    await group.up()
    yield group
    await group.down(timeout=0, purge=True)
    await group.close()
