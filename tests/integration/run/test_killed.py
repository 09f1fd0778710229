"""`run` killed, or interrupted, at any moment: the next command removes what it leaves."""

from __future__ import annotations

import signal
import subprocess
from random import Random

import pytest

from tests.integration.run.test_run import ONE_ENGINE, SIGNALS
from tests.support.cli import interrupt
from tests.support.own_runs import OwnRuns

pytestmark = pytest.mark.timeout(600)

LONGEST_S = 5.0
"""More than a run takes to bring a group up; afterwards its command fails over."""
FAULTS = ("--fault", "kill:@active", "--every", "1s")


def killed(runs: OwnRuns, moments: list[float]) -> None:
    """Kill a run at each of these moments, in seconds from its start."""
    for moment in moments:
        with runs.started(*FAULTS, "--", "sleep", "2") as process:
            try:
                process.wait(moment)
            except subprocess.TimeoutExpired:
                process.kill()
        runs.groups()


def test_what_killed_runs_leave_is_removed_by_the_next(runs: OwnRuns) -> None:
    random = Random(1)
    killed(runs, [random.uniform(0.2, LONGEST_S) for _ in range(3)])
    assert runs.run("--", "true").returncode == 0
    assert runs.left() == {}


@pytest.mark.slow
def test_nothing_is_left_of_thirty_runs_killed_at_random_moments(runs: OwnRuns) -> None:
    random = Random(30)
    for _ in range(6):
        killed(runs, [random.uniform(0.2, LONGEST_S) for _ in range(5)])
        assert runs.run("--", "true").returncode == 0
        assert runs.left() == {}


def test_down_and_up_remove_what_a_killed_run_leaves(runs: OwnRuns, group_name: str) -> None:
    with runs.started("--", "sh", "-c", "echo up; exec sleep 5") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        assert runs.groups()
        process.kill()
    runs.cli.ok("--group", group_name, "down")
    assert runs.left() == {}


def test_an_interrupted_bring_up_leaves_nothing(runs: OwnRuns) -> None:
    with runs.started("-v", "--", "echo", "started") as process:
        assert process.stderr is not None
        while "starting " not in (line := process.stderr.readline()):
            assert line, "it ended early"
        runs.groups()
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert runs.left() == {}


@ONE_ENGINE
def test_an_interrupt_after_the_commands_end_leaves_the_rest_to_the_next(runs: OwnRuns) -> None:
    with runs.started("--", *runs.python(SIGNALS)) as process:
        assert process.stdout is not None
        process.stdout.readline()
        runs.groups()
        process.send_signal(signal.SIGINT)
        process.stdout.readline()
        code, _, _ = interrupt(process, 60)
    assert code in (7, 130)
    assert runs.run("--", "true").returncode == 0
    assert runs.left() == {}
