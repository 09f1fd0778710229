"""A group of its own for each drill."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import pytest

from stanlocal import planning
from stanlocal.api import FTGroup
from stanlocal.ports import choose_ports


@pytest.fixture
async def group(
    group_name: str, server_image: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[FTGroup]:
    """A healthy group of two on the real engine; purged at the end."""
    first = 14_000 + int(group_name.removeprefix("t-"), 16) % 15_000
    mine = partial(choose_ports, first_client=first, first_monitor=first + 20)
    monkeypatch.setattr(planning, "choose_ports", mine)
    group = FTGroup(group=group_name, nodes=2)
    await group.up()
    yield group
    await group.down(timeout=0, purge=True)
    await group.close()
