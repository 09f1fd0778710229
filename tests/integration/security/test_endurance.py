"""A protected group under a long drill: its active node is killed over and over."""

from __future__ import annotations

from pathlib import Path

import pytest

from stanlocal import drill
from stanlocal.api import FTGroup
from stanlocal.drill.runner import Drill
from stanlocal.drill.scenario.scenario import with_kills
from tests.integration.security.columns import COLUMNS

pytestmark = pytest.mark.slow


@pytest.mark.timeout(300)
@pytest.mark.parametrize("column", ["users with permissions", "TLS routes", "up --secure"])
async def test_no_acknowledged_message_is_lost_in_twenty_kills(
    on_engine: str, column: str, group_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stanlocal.toml").write_text(COLUMNS[column](tmp_path, "").toml)
    group = FTGroup(group=group_name)
    try:
        await group.up()
        scenario = with_kills(drill.load_scenario("kill-loop"), 20)
        outcome = await Drill(scenario, here=group, ledger=tmp_path / "kills.ledger").run()
        found = outcome.verdict.findings
        assert outcome.verdict.ok, outcome.verdict.problems
        assert found.lost == 0
        assert found.acked > 1000
        assert len(found.failovers) == 20
    finally:
        await group.down(timeout=0, purge=True)
        await group.close()
