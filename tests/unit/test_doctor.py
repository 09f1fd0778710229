"""Checks of what a group needs."""

from __future__ import annotations

import pytest

from stanlocal import doctor
from stanlocal.engine.base import EngineInfo
from stanlocal.errors import EngineUnavailable
from stanlocal.settings import load
from stanlocal.testing.fake.engine import FakeEngine
from tests.support.world import World


class DeadEngine(FakeEngine):
    """An engine that was found and stopped answering."""

    closed = False

    async def info(self) -> EngineInfo:
        raise EngineUnavailable("no engine answers")

    async def close(self) -> None:
        self.closed = True


async def test_engine_that_stops_answering_is_closed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = DeadEngine(world.machine)
    monkeypatch.setattr(doctor, "choose_engine", lambda asked: engine)
    settings = load({"group": "t"}, {}, None, world.folder, None)
    checks = [check async for check in doctor.examine(lambda: settings, lambda line: None)]
    assert [(check.name, check.ok) for check in checks] == [("settings", True), ("engine", False)]
    assert engine.closed
