"""An engine that is killed in the middle of a command, and started again.

The command ends in one clear line or succeeds, and the next `up` and `down` recover everything.
"""

from __future__ import annotations

import json
import random
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from tests.support.census import NOTHING, take
from tests.support.cli import Cli
from tests.support.own_engine import OwnEngine, may_run, own_engine

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(not may_run(), reason="runs a dockerd, which takes root on Linux"),
]

_SEED = 20
_ENDS_WITHIN_S = 180


@dataclass(frozen=True, slots=True)
class Point:
    """A command, and when the engine is killed and started again."""

    before: tuple[tuple[str, ...], ...]
    """Commands that prepare the group."""
    command: tuple[str, ...]
    kill_after_s: float
    """Seconds from the command's start to the kill."""
    down_s: float
    """Seconds for which no engine answers."""

    def __str__(self) -> str:
        return f"{'-'.join(self.command)}-{self.kill_after_s:.1f}"


UP = ("up",)
_COMMANDS: tuple[tuple[tuple[tuple[str, ...], ...], tuple[str, ...], float], ...] = (
    ((), UP, 3.5),
    ((UP,), ("up", "--recreate"), 5.0),
    ((UP,), ("down",), 2.0),
    ((UP,), ("down", "--purge", "--yes"), 2.0),
    ((UP,), ("kill", "@active"), 1.5),
    ((UP,), ("fault", "pause", "--for", "2"), 3.0),
    ((UP, ("pub", "orders", "kept")), ("fault", "truncate-store", "--yes"), 6.0),
    ((UP,), ("fault", "expire-lock", "--yes"), 5.0),
    ((UP,), ("drill", "kill-loop", "--kill-active", "2", "--here", "--yes"), 12.0),
    ((UP, ("pub", "orders", "kept"), ("stop", "@all")), ("store", "snapshot", "one"), 0.6),
)
"""The preparation of the group, the command, and about how many seconds it takes."""


def points(count: int) -> list[Point]:
    """Random points, the same in every run."""
    draw = random.Random(_SEED)
    found = []
    for number in range(count):
        before, command, takes_s = _COMMANDS[number % len(_COMMANDS)]
        found.append(Point(before, command, draw.uniform(0.2, takes_s), draw.choice((0.0, 0.5, 3.0))))
    return found


@pytest.fixture(scope="module")
def engine(
    tmp_path_factory: pytest.TempPathFactory, docker_client: docker.DockerClient, server_image: str
) -> Iterator[OwnEngine]:
    with own_engine(tmp_path_factory.mktemp("engine")) as engine:
        engine.load(server_image, docker_client)
        yield engine


class Rig:
    """The command line over the engine."""

    def __init__(self, engine: OwnEngine, folder: Path, group: str) -> None:
        self._engine = engine
        env = {
            "DOCKER_HOST": engine.url,
            "STANLOCAL_ENGINE": "docker",
            "XDG_STATE_HOME": str(folder / "state"),
        }
        self._cli = Cli(folder, env, group)
        self._state, self._group = folder / "state", group

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self._engine.inside(), *self._cli.command(*arguments)],
            env=self._cli.environment(),
            cwd=self._cli.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ok(self, *arguments: str) -> str:
        """Return the output of a command that must succeed."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=_ENDS_WITHIN_S)
        assert process.returncode == 0, f"{arguments}: exit {process.returncode}: {err}"
        return out

    def left(self) -> dict[str, set[str]]:
        """Return everything that exists of the group."""
        with closing(self._engine.client()) as client:
            return take(client, state_home=self._state, prefix=self._group).added_since(NOTHING)


def cut(rig: Rig, engine: OwnEngine, point: Point) -> str:
    """Runs the command, kills the engine under it and starts it again; returns what the command said."""
    for command in point.before:
        rig.ok(*command)
    process = rig.start(*point.command)

    def strike() -> None:
        time.sleep(point.kill_after_s)
        engine.kill()
        time.sleep(point.down_s)
        engine.start()

    striking = threading.Thread(target=strike)
    striking.start()
    try:
        _, err = process.communicate(timeout=_ENDS_WITHIN_S)
    finally:
        process.kill()
        striking.join()
    assert "defect" not in err
    assert "Traceback" not in err
    judged = (0, 1, 3, 5) if point.command[0] in ("drill", "fault") else (0, 1, 3)
    assert process.returncode in judged, err
    if process.returncode in (1, 3):
        assert err.splitlines()[-1].startswith("error: "), err
    return f"exit {process.returncode}: {err}"


def converges(rig: Rig, said: str) -> None:
    """The next `up` and `down` recover everything."""
    try:
        assert json.loads(rig.ok("up", "--json"))["state"] == "healthy"
        rig.ok("down", "--purge", "--yes", "--timeout", "0")
        assert rig.left() == {}
    except AssertionError as error:
        error.add_note(f"after {said}")
        raise


@pytest.mark.parametrize(
    "point",
    [
        Point((), UP, 1.0, 0.5),
        Point((UP,), ("down",), 0.7, 0.0),
        *(pytest.param(point, marks=pytest.mark.slow) for point in points(20)),
    ],
    ids=str,
)
def test_a_command_whose_engine_is_killed_ends_clearly_and_the_next_converges(
    engine: OwnEngine, tmp_path: Path, group_name: str, point: Point
) -> None:
    rig = Rig(engine, tmp_path, group_name)
    said = cut(rig, engine, point)
    converges(rig, said)
