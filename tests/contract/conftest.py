"""One suite over every engine: the `rig` fixture goes through them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.rigs import RIGS, Rig


@pytest.fixture(params=RIGS)
async def rig(request: pytest.FixtureRequest, tmp_path: Path, group_name: str) -> AsyncIterator[Rig]:
    made: Rig = request.param(request, tmp_path, group_name)
    for mark in request.node.iter_markers("needs"):
        for ability in mark.args:
            if (why := made.lacks(ability)) is not None:
                pytest.skip(why)
    await made.open()
    yield made
    await made.close()
