"""`Context.opened`: a command lets go of its group however it ends."""

from __future__ import annotations

import gc
import warnings
from pathlib import Path

import pytest

from stanlocal.cli.context import Context
from stanlocal.errors import GroupNotFound


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return Context(group="none", engine="process")


async def test_opened_closes_the_group_when_the_block_raises(context: Context) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(GroupNotFound):
            async with context.opened() as group:
                await group.look()
        del group
        gc.collect()
    assert [str(each.message) for each in caught] == []
