"""`fault`, `faults` and `heal`, as users run them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from stanlocal.faults.registry import FAULTS
from tests.support.cli import Cli, the_error

pytestmark = pytest.mark.server


@pytest.fixture
def cli(tmp_path: Path, group_name: str, server_binary: Path) -> Iterator[Cli]:
    """A pair of local processes, up."""
    env = {"STANLOCAL_ENGINE": "process", "STANLOCAL_SERVER_BINARY": str(server_binary)}
    cli = Cli(tmp_path, env, group_name)
    cli.ok("up", "--port", str(random.randrange(14_000, 29_000, 2)))
    yield cli
    cli.ok("down", "--purge", "--yes", "--timeout", "0")


def test_a_fault_for_some_seconds_is_foreseen_seen_and_over_when_the_command_ends(cli: Cli) -> None:
    fault = cli.json("fault", "pause", "@active", "--for", "3")
    assert (fault["name"], fault["as_expected"]) == ("pause", True)
    assert "blocked" in fault["observed"]
    status = cli.json("status")
    assert (status["faults"], [node["paused"] for node in status["nodes"]]) == ([], [False, False])
    assert cli.json("faults")["faults"] == [fault]


def test_a_fault_without_an_end_lasts_until_it_is_healed(cli: Cli) -> None:
    done = cli.run("fault", "partition", "@standby")
    assert done.returncode == 0, done.stderr
    expected, *_, lasts = done.stderr.splitlines()
    assert expected.startswith("expected: no failover: ")
    assert lasts == "it lasts until 'stanlocal heal'"
    assert done.stdout.startswith("observed: no failover: ")
    assert [fault["name"] for fault in cli.json("status")["faults"]] == ["partition"]
    assert (healed := cli.json("heal"))["faults"] == []
    assert not any(node["partitioned"] for node in healed["nodes"])


@pytest.mark.parametrize("seconds", ["nan", "-1", "inf"])
def test_a_time_that_cannot_be_is_refused_before_anything_is_touched(cli: Cli, seconds: str) -> None:
    done = cli.run("fault", "pause", "--for", seconds)
    assert (done.returncode, the_error(done)) == (
        2,
        f"error: a fault cannot last {seconds} s; give 0 to 31536000",
    )
    assert cli.json("faults")["faults"] == []


def test_commands_that_can_cost_data_need_confirmation(cli: Cli) -> None:
    done = cli.run("fault", "truncate-store")
    assert done.returncode == 2
    assert "--yes" in the_error(done)
    assert cli.json("status")["state"] == "healthy"


def test_every_fault_that_there_could_be_is_listed(cli: Cli) -> None:
    listed = cli.ok("faults", "--list")
    assert [name for name in FAULTS if name not in listed] == []
