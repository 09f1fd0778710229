"""The engine of a command: the one asked for, the one that made the group, or the available one."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest

from stanlocal.errors import EngineUnavailable, SettingsError
from stanlocal.group.home import GroupHome
from stanlocal.lifecycle import engine_choice as choosing
from stanlocal.lifecycle import inventory
from stanlocal.lifecycle.port_allocation import choose_ports
from stanlocal.model.placement import Placement
from stanlocal.testing.fake.engine import FakeEngine
from stanlocal.testing.fake.machine import FakeMachine
from tests.support.facts import group_plan
from tests.unit.model.test_placement import planned


class Engines:
    """Both engines, as fakes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
        self.docker = FakeEngine(FakeMachine())
        self.process = FakeEngine(FakeMachine())
        self.docker_answers = True
        self.notes: list[str] = []
        monkeypatch.setattr(choosing, "docker_engine", self._docker)
        monkeypatch.setattr(choosing, "process_engine", lambda: self.process)
        monkeypatch.setenv("XDG_STATE_HOME", str(home))

    def _docker(self) -> FakeEngine:
        if not self.docker_answers:
            raise EngineUnavailable("connection refused")
        return self.docker

    def choose(self, asked: str, made_by: str | None = None) -> str:
        home = choosing.group_home("g")
        home.forget()
        if made_by is not None:
            home.save_plan(planned(Placement(made_by)))
        chosen = choosing.choose_engine(asked, home, self.notes.append)
        return "docker" if chosen is self.docker else "process"


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Engines:
    return Engines(monkeypatch, tmp_path)


@pytest.mark.parametrize(
    ("asked", "made_by", "chosen"),
    [
        ("auto", None, "docker"),
        ("docker", None, "docker"),
        ("process", None, "process"),
        ("auto", "docker", "docker"),
        ("auto", "process", "process"),
        ("docker", "docker", "docker"),
        ("process", "process", "process"),
    ],
)
def test_where_docker_answers(engines: Engines, asked: str, made_by: str | None, chosen: str) -> None:
    assert engines.choose(asked, made_by) == chosen
    assert engines.notes == []


@pytest.mark.parametrize(("asked", "made_by"), [("process", "docker"), ("docker", "process")])
@pytest.mark.parametrize("answers", [True, False])
def test_no_engine_goes_on_with_anothers_group(
    engines: Engines, asked: str, made_by: str, answers: bool
) -> None:
    engines.docker_answers = answers
    with pytest.raises(SettingsError, match=f"made with the engine '{made_by}' and stays with it"):
        engines.choose(asked, made_by)


def test_without_docker_a_new_group_is_of_processes_and_the_reason_is_reported_once(engines: Engines) -> None:
    engines.docker_answers = False
    assert engines.choose("auto") == "process"
    [note] = engines.notes
    assert "connection refused" in note


@pytest.mark.parametrize(("asked", "made_by"), [("docker", None), ("docker", "docker"), ("auto", "docker")])
def test_docker_is_not_replaced_where_it_was_asked_for_or_made_the_group(
    engines: Engines, asked: str, made_by: str | None
) -> None:
    engines.docker_answers = False
    with pytest.raises(EngineUnavailable, match="connection refused"):
        engines.choose(asked, made_by)
    assert engines.notes == []


async def test_the_list_has_the_groups_of_all_engines_each_on_its_own(engines: Engines) -> None:
    for group, made_by in (("a", "docker"), ("b", "process")):
        GroupHome(choosing.group_home(group).folder).save_plan(planned(Placement(made_by)))
    async with inventory.open_groups("auto", engines.notes.append) as groups:
        assert [(group.name, group.engine is engines.process) for group in groups] == [
            ("a", False),
            ("b", True),
        ]
    engines.docker_answers = False
    async with inventory.open_groups("auto", engines.notes.append) as groups:
        assert [group.name for group in groups] == ["b"]
    assert engines.notes == ["a is left out: connection refused"]
    with pytest.raises(EngineUnavailable):
        await inventory.open_groups("docker").__aenter__()


def test_the_ports_of_the_callers_other_groups_are_reserved_while_those_are_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    choosing.group_home("down").save_plan(replace(group_plan(group="down"), engine="process"))
    assert inventory.reserved_ports("down") == frozenset()
    reserved = inventory.reserved_ports("other")
    assert reserved == {4222, 4223, 8222, 8223}
    assert not set(chain(*choose_ports(2, group="other", reserved=reserved).ports)) & reserved
