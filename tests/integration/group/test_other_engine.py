"""A command that comes to another engine than the group's own says so, and touches nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from stanlocal.group.home import GroupHome
from stanlocal.machine.user_dirs import group_folder
from tests.support.cli import Cli
from tests.support.other_engine import OtherEngine, missing, other_engine

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
    pytest.mark.parametrize("on_engine", ["docker"], indirect=True),
]
COMMANDS = (
    ("down", "--timeout", "0"),
    ("down", "--purge", "--yes", "--timeout", "0"),
    ("store", "snapshot", "two"),
    ("store", "restore", "one", "--yes"),
    ("up",),
    ("up", "--recreate"),
    ("kill", "0"),
    ("heal",),
    ("status",),
)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[OtherEngine]:
    """An engine that answers and has nothing."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    with other_engine(hidden) as engine:
        yield engine


def test_a_running_group_is_safe_from_another_engine(
    cli: Cli, own_ports: int, other: OtherEngine, group_name: str, purged_by_name: None
) -> None:
    """The holder is found by the engine's id, or by the kernel's lock where an old version recorded none."""
    cli.ok("up")
    cli.ok("stop", "@all")
    cli.ok("store", "snapshot", "one")
    cli.ok("up")
    home = GroupHome(group_folder(group_name))
    plan = home.load_plan()
    assert plan is not None
    elsewhere = Cli(cli.folder, {**cli.env, "DOCKER_HOST": other.url}, group=group_name)
    for command in COMMANDS:
        done = elsewhere.run(*command)
        assert (done.returncode, "another engine" in done.stderr) == (2, True), (command, done.stderr)
    left_out = elsewhere.run("down", "--engine", "docker", "--all", "--purge", "--yes")
    assert f"{group_name} is left out" in left_out.stderr

    whole = json.loads(home.plan_file.read_text())
    home.plan_file.write_text(json.dumps({**whole, "origin": None, "group_id": None}))
    for command in COMMANDS[1:4]:
        done = elsewhere.run(*command)
        assert done.returncode == 2
        assert "(nats-streaming-) in container" in done.stderr
    home.plan_file.write_text(json.dumps(whole))

    assert cli.json("status")["state"] == "healthy"
    assert [each.name for each in (home.folder / "snapshots").iterdir()] == ["one"]
