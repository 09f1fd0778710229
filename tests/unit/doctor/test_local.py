"""Checks of what a group on this machine needs."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from click.testing import CliRunner

from stanlocal.api import group_over
from stanlocal.cli.app import app
from stanlocal.cli.context import Context
from stanlocal.cli.exit_codes import BAD_VERDICT
from stanlocal.doctor import examination, group_state, local
from stanlocal.doctor.check import Check
from stanlocal.engine.base import EngineInfo
from stanlocal.errors import EngineUnavailable
from stanlocal.lifecycle import engine_choice
from stanlocal.lifecycle.engine_choice import group_home
from stanlocal.lifecycle.opener import GroupOpener
from stanlocal.model.plan import GroupPlan, Monitor
from stanlocal.monitor.findings import Finding
from stanlocal.settings import load
from stanlocal.testing.fake.engine import FakeEngine
from tests.support.facts import group_plan
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
    monkeypatch.setattr(local, "choose_engine", lambda *asked: engine)
    settings = load({"group": "t"}, {}, None, world.folder, None)
    checks = [check async for check in examination.examine(lambda: settings, lambda line: None)]
    assert [(check.name, check.ok) for check in checks] == [("settings", True), ("engine", False)]
    assert engine.closed


async def examined(world: World, monkeypatch: pytest.MonkeyPatch, **settings: object) -> dict[str, Check]:
    """Every check on the fake machine, by its name."""
    monkeypatch.setattr(local, "choose_engine", lambda *asked: world.engine)
    monkeypatch.setattr(local, "group_home", lambda name: world.home)
    made = load({"group": "t", **settings}, {}, None, world.folder, None)
    return {check.name: check async for check in examination.examine(lambda: made, lambda line: None)}


async def test_a_group_that_is_well_needs_no_command(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.up()
    checks = await examined(world, monkeypatch)
    assert {
        name: (check.cure, check.commands) for name, check in checks.items() if check.name != "login"
    } == {name: (None, ()) for name in checks if name != "login"}


async def test_what_piles_up_is_read_from_the_monitor_of_the_node_that_serves(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.up()
    asked: list[Monitor | None] = []

    async def look_inside(plan: GroupPlan, active: Monitor | None, *, records: bool) -> list[Finding]:
        asked.append(active)
        return [Finding("durable", "foo", "it falls behind", "read faster")]

    monkeypatch.setattr(group_state, "look_inside", look_inside)
    durable = (await examined(world, monkeypatch))["durable"]
    plan = world.home.load_plan()
    assert plan is not None
    assert asked == [world.engine.monitor(plan, plan.nodes[0])]
    assert (durable.ok, durable.commands) == (False, ("stanlocal --group t subscriptions",))


async def test_a_group_in_trouble_gets_the_commands_that_show_and_end_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.up()
    opener = GroupOpener({"group": "t"}, engine=world.engine, home=world.home, user="65532:65532")
    paused = group_over(opener)
    await paused.pause("@active")
    await paused.close()
    group = (await examined(world, monkeypatch))["group"]
    wanted = [f"stanlocal --group t {command}" for command in ("status", "heal", "up")]
    assert (group.ok, [*group.commands]) == (False, wanted)


async def test_a_taken_port_and_a_foreign_store_get_commands_with_other_ones(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "letter.txt").touch()
    monkeypatch.setattr("stanlocal.lifecycle.port_allocation.is_free", lambda port, host="": port > 4300)
    checks = await examined(world, monkeypatch, port=4222, store_dir=tmp_path, nodes=1)
    assert checks["ports"].commands == ("stanlocal --group t up --port 4301",)
    assert checks["store"].commands == ("stanlocal --group t up --store-dir DIR",)


@pytest.mark.parametrize("platform", ["linux", "darwin"])
async def test_without_an_engine_the_commands_start_one_or_need_none(
    world: World, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    def none(*asked: object) -> NoReturn:
        raise EngineUnavailable("no Docker Engine answers")

    made = load({"group": "t"}, {}, None, world.folder, None)
    monkeypatch.setattr(local, "choose_engine", none)
    monkeypatch.setattr("sys.platform", platform)
    *_, engine = [check async for check in examination.examine(lambda: made, lambda line: None)]
    assert engine.commands[-1] == "stanlocal --engine process up"
    assert any("docker" in command.lower() for command in engine.commands[:-1])


def test_a_group_is_examined_with_the_engine_and_the_settings_that_it_has(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(world.folder))
    monkeypatch.chdir(world.folder)
    made = replace(group_plan(3, "g"), engine="process")
    group_home(made.group).save_plan(made)
    chosen: list[str] = []

    def process_engine() -> FakeEngine:
        chosen.append("process")
        return FakeEngine(world.machine)

    monkeypatch.setattr(engine_choice, "process_engine", process_engine)
    done = CliRunner().invoke(app, ["--group", made.group, "--json", "doctor"])
    assert chosen == ["process"]
    assert json.loads(done.output)["checks"][0]["detail"] == f"group '{made.group}', 3 nodes"
    refused = CliRunner().invoke(app, ["--group", made.group, "--engine", "docker", "--json", "doctor"])
    engine = json.loads(refused.output)["checks"][-1]
    assert (engine["name"], engine["ok"]) == ("engine", False)
    assert engine["commands"] == [f"stanlocal --group {made.group} --engine auto doctor"]


def test_commands_are_printed_ready_to_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    async def examine(*_: object) -> AsyncGenerator[Check]:
        yield Check("image", False, "it is not there", "pull it:", ("stanlocal image pull",))

    monkeypatch.setattr(examination, "examine", examine)
    done = CliRunner().invoke(app, ["doctor"], obj=Context(), standalone_mode=False)
    assert done.return_value == BAD_VERDICT
    assert done.output.splitlines()[1:] == [" " * 15 + "pull it:", " " * 17 + "$ stanlocal image pull"]


@pytest.mark.parametrize(
    ("engine_s", "words"), [(4, None), (-4, None), (3600, "3600.0 s ahead of"), (-7.5, "7.5 s behind")]
)
def test_an_engine_whose_clock_differs_is_reported(engine_s: float, words: str | None) -> None:
    here = datetime(2026, 11, 29, 12, tzinfo=UTC)
    found = local.clocks_apart(here + timedelta(seconds=engine_s), here)
    assert (found is None) is (words is None)
    if found is not None and words is not None:
        assert (found.ok, words in found.detail) == (False, True)


async def test_the_clock_of_the_engine_is_asked_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    info = await world.engine.info()

    async def an_hour_behind(engine: FakeEngine) -> EngineInfo:
        return replace(info, clock=datetime.now(UTC) - timedelta(hours=1))

    monkeypatch.setattr(FakeEngine, "info", an_hour_behind)
    assert "s behind this machine's" in (await examined(world, monkeypatch))["clock"].detail
