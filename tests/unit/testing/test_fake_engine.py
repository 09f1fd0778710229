"""`FakeEngine` as users have it: a group without servers, and the failures that its machine makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from stanlocal import FTGroup, GroupState, StanlocalError, sync
from stanlocal.errors import EngineUnavailable
from stanlocal.testing import FakeEngine, Trouble
from tests.support.cost import waiting_below


@pytest.fixture(autouse=True)
def state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "stanlocal"


async def test_group_fails_over_and_leaves_nothing(state_home: Path) -> None:
    engine = FakeEngine()
    with waiting_below(1.25):  # real servers wait that long for the lock, twice
        async with FTGroup(nodes=3, engine=engine) as group:
            before = await group.wait_active()
            fault = await group.kill("@active")
            failover = await fault.failover(timeout=10)
            assert failover.to_node == await group.wait_active() != before
            await fault.heal()
            await group.wait_state(GroupState.HEALTHY)
    assert (engine.machine.nodes, engine.machine.networks) == ({}, {})
    assert list(state_home.iterdir()) == []


def test_blocking_group_runs_on_it() -> None:
    with sync.FTGroup(engine=FakeEngine()) as group:
        with group.during_failover():
            pass
        assert group.document()["state"] == "healthy"


async def test_lost_engine_is_reported() -> None:
    engine = FakeEngine()
    async with FTGroup(engine=engine) as group:
        with engine.machine.losing_engine(), pytest.raises(EngineUnavailable, match="was lost"):
            await group.document()
        assert (await group.document())["state"] == "healthy"


async def test_server_that_fails_is_reported() -> None:
    engine = FakeEngine()
    engine.machine.troubles["broken-0"] = Trouble("boot", "[1] [FTL] STREAM: Failed to start: no luck")
    with pytest.raises(StanlocalError, match="no luck"):
        async with FTGroup(group="broken", nodes=1, engine=engine, purge=True):
            pass
