"""Orphans: groups whose process has ended, has not, or is unknown."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from stanlocal.errors import EngineError
from stanlocal.group.core import Group
from stanlocal.group.home import GroupHome
from stanlocal.lifecycle import orphans, up
from stanlocal.lifecycle.orphans import has_ended, this_process
from stanlocal.machine.machine_identity import machine_id
from tests.support.world import World

linux = pytest.mark.skipif(sys.platform != "linux", reason="a birth tells the boot on Linux alone")

_TELL = "from stanlocal.lifecycle.orphans import this_process; print(this_process(), flush=True); input()"


def test_a_process_that_runs_has_not_ended() -> None:
    assert not has_ended(this_process())


def test_a_process_has_ended_when_it_is_gone() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _TELL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().rstrip("\n")
        assert not has_ended(name)
        process.kill()
        process.wait()
        assert has_ended(name)


def other(**fields: str) -> str:
    """Name a process like this one but for these fields, and with another start."""
    version, machine, boot, namespace, pid, birth = this_process().split(" ")
    mine = {"machine": machine, "boot": boot, "namespace": namespace, "pid": pid, "birth": f"{birth}0"}
    return " ".join((version, *(mine | fields).values()))


def test_another_process_with_the_same_pid_is_not_taken_for_it() -> None:
    assert has_ended(other())


@pytest.mark.parametrize(
    "fields",
    [
        {"namespace": "pid:[1]"},
        {"boot": "another"},
        {"boot": "another", "machine": "another"},
        {"boot": "-"},
        {"boot": "another", "machine": "-"},
    ],
    ids=["another container", "a copy of this machine", "another machine", "no boot", "no machine"],
)
def test_an_unknown_process_is_not_taken_for_ended(fields: dict[str, str]) -> None:
    assert not has_ended(other(**fields))


@linux
def test_a_process_of_an_earlier_boot_of_this_machine_has_ended() -> None:
    """The group must be in this machine's state folder, as machines can be copies with the same id."""
    if machine_id() is None:
        pytest.skip("this machine has no id")
    assert has_ended(other(boot="an-earlier-one"), made_here=True)
    assert not has_ended(other(boot="an-earlier-one", machine="another"), made_here=True)
    assert not has_ended(other(boot="an-earlier-one", machine="-"), made_here=True)


@linux
def test_names_of_earlier_versions_are_read_as_far_as_they_tell() -> None:
    _, _, boot, namespace, pid, birth = this_process().split(" ")
    assert not has_ended(f"{pid} {namespace} {birth}")
    assert has_ended(f"{pid} {namespace} {boot}/1")
    assert not has_ended(f"{pid} {namespace} another-boot/1", made_here=True)
    assert not has_ended(f"{pid} {namespace} 1790000000.5")


@pytest.mark.parametrize("name", ["", "x", "3 a b c 1 d", "2 a b c x d", "2 a b c \u00b2 d", "1 2 3 4"])
def test_a_name_of_another_shape_says_nothing(name: str) -> None:
    assert not has_ended(name, made_here=True)


async def test_an_orphan_that_cannot_be_removed_keeps_no_other_from_it(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = (Group(world.engine, name, GroupHome(world.folder / name)) for name in ("o1", "o2"))
    for group in (first, second):
        request = world.request(group=group.name, nodes=1)
        await up.up(group, replace(request, bound_to=other()))
    clean = world.engine.clean

    @asynccontextmanager
    async def both(engine: str, note: object) -> AsyncIterator[list[Group]]:
        yield [first, second]

    async def clean_but_one(group: str, nodes: list[str]) -> None:
        if group == "o1":
            raise EngineError("the engine refused: network o1-routes has active endpoints")
        await clean(group, nodes)

    monkeypatch.setattr(orphans, "open_groups", both)
    monkeypatch.setattr(orphans, "state_home", lambda: Path(world.folder / "none"))
    monkeypatch.setattr(world.engine, "clean", clean_but_one)
    assert await orphans.remove() == ["o2"]
    assert "o1, left by a process that has ended, stays: the engine refused" in caplog.text
