"""A large output takes little memory, whatever reads it: an engine keeps some 30 MB."""

from __future__ import annotations

from pathlib import Path

import pytest

from stanlocal.engine.process.supervisor.segments import segment_name
from tests.support.memory import too_large

KEPT_BYTES = 3 << 20
MOST_BYTES = 8 << 20
"""The lines as a list take some 20 MB."""

_CODE = """
import asyncio
from pathlib import Path
from typing import cast
from stanlocal.engine.process import output
from stanlocal.group.core import Group
from stanlocal.group.home import GroupHome
from stanlocal.logs.follow import Follower
from stanlocal.logs.merge import read_all
from stanlocal.group.observation import _fold_all
from stanlocal.history import occurrences
from tests.support.facts import group_plan, instance

FOLDER = Path({folder!r})

class Engine:
    "An engine with one node, whose output is in the folder."

    async def output(self, node, *, since=None):
        for batch in output.kept(FOLDER, since=since):
            yield batch

    async def attach(self, node):
        yield []

class Asked(Group):
    async def find(self):
        return group_plan(1), [instance("stan-0")]

async def follow():
    async for batch in Follower(Engine(), "stan-0").batches(asyncio.Event()):
        if not batch:
            return

async def main():
    engine, group = Engine(), Asked(Engine(), "stan", GroupHome(FOLDER / "home"))
    start()
    assert (await _fold_all(engine, instance("stan-0"))).role is None
    mark("fold")
    assert len(await read_all(engine, {{"stan-0": True}}, lambda name: (), since=None, tail=3)) == 3
    mark("tail")
    await group.save_log("stan-0")
    await group.save_log("stan-0")
    mark("save")
    assert (await group.history())[1] == []
    mark("history")
    await follow()
    mark("follow")

asyncio.run(main())
"""


@pytest.mark.huge
def test_a_large_output_is_read_in_batches(tmp_path: Path) -> None:
    line = b"2026-11-23T09:00:00.000000Z [1] 2026/11/23 09:00:00.000000 [TRC] a line\n"
    for number in (1, 2, 3):
        (tmp_path / segment_name(number)).write_bytes(line * (KEPT_BYTES // 3 // len(line)))
    assert too_large(_CODE.format(folder=str(tmp_path)), MOST_BYTES) == []
