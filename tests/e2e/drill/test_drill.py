"""`drill` as users run it, on real servers."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.support.cli import Cli, interrupt

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("server_image"), pytest.mark.timeout(300)]

ALL_AWAY = """
[[step]]
do = "stop"
targets = "@all"
after = 1
until = "down"

[[step]]
do = "heal"
after = 15
until = { state = "healthy", acked = 10 }
"""


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Run in a folder and with a state folder of its own, so that its ledgers are separate, too."""
    return Cli(tmp_path, {"XDG_STATE_HOME": str(tmp_path / "state")})


@pytest.fixture(autouse=True)
def _no_scratch_group_is_left(docker_client: docker.DockerClient, tmp_path: Path) -> Iterator[None]:
    yield
    homes = tmp_path / "state" / "stanlocal"
    assert [path.name for path in homes.iterdir() if path.name.startswith("drill-")] == []
    names = [str(each.name) for each in docker_client.containers.list(all=True, ignore_removed=True)]
    ours = {line for path in homes.rglob("*.ledger") for line in groups_of(path)}
    assert not [name for name in names if name.rpartition("-")[0] in ours]


def groups_of(ledger: Path) -> list[str]:
    """The group that the drill of a ledger ran in."""
    with ledger.open("rb") as file:
        return [json.loads(file.readline())["group"]]


def verdict(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_kill_loop_loses_nothing_and_times_each_failover_in_all_its_phases(cli: Cli) -> None:
    done = cli.run("--json", "drill", "kill-loop", "--kill-active", "2", "--max-outage", "30")
    assert done.returncode == 0, done.stdout
    found = verdict(done)
    assert (found["ok"], found["lost"], found["faults"], found["ended"]) == (True, 0, 2, "whole")
    assert found["acked"] > 100
    assert [each["cause"] for each in found["failovers"]] == ["kill", "kill"]
    assert all(ms is not None for each in found["failovers"] for ms in each["phases_ms"].values())
    assert len(found["outages_ms"]) >= 2


def test_a_store_that_is_emptied_in_between_is_found_and_every_report_names_what_is_lost(here: Cli) -> None:
    store = Path(here.json("up")["store_dir"])
    (here.folder / "away.toml").write_text(ALL_AWAY)
    reports = ("--html", "r.html", "--junit", "j.xml")
    with here.started("--json", "-v", "drill", "away.toml", "--here", *reports) as process:
        wait_for(process, "step 1:")
        here.ok("wait", "--state", "down", "--timeout", "60")
        for file in store.glob("drill.*.orders/msgs.*"):
            file.unlink()
        out, _ = process.communicate(timeout=200)
    assert process.returncode == 5
    found = json.loads(out)
    assert found["lost"] > 0
    assert any("audit" in each["missing_at"] for each in found["lost_messages"]), found["problems"]
    assert any("missing in the store at the end" in problem for problem in found["problems"])
    first = found["lost_messages"][0]
    named = f"publisher {first['publisher']} number {first['first']}"
    assert named in (here.folder / "r.html").read_text()
    assert named in (here.folder / "j.xml").read_text()
    again = here.run("drill", "verify", found["ledger"])
    assert (again.returncode, named in again.stdout) == (5, True)


def test_ctrl_c_heals_and_judges_what_ran(cli: Cli) -> None:
    with cli.started("--json", "-v", "drill", "kill-loop") as process:
        assert process.stderr is not None
        wait_for(process, "step 1:")
        code, out, _ = interrupt(process, timeout=80)
    found = json.loads(out)
    assert (code, found["ended"], found["lost"]) == (0, "interrupted", 0), found["problems"]


def test_ctrl_c_before_the_load_has_begun_leaves_nothing(cli: Cli) -> None:
    with cli.started("-v", "drill", "kill-loop") as process:
        wait_for(process, "starting")
        code, out, _ = interrupt(process, timeout=80)
    assert (code, out) == (130, "")


def test_a_drill_that_was_killed_has_its_verdict_and_the_next_one_cleans_up(cli: Cli) -> None:
    with cli.started("-v", "drill", "kill-loop") as process:
        wait_for(process, "step 3:")
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    (ledger,) = (cli.folder / "state").rglob("*.ledger")
    done = cli.run("--json", "drill", "verify", str(ledger))
    found = verdict(done)
    assert (found["ended"], found["complete"], found["lost"]) == ("killed", False, 0)
    assert found["acked"] > 0
    assert cli.run("drill", "kill-loop", "--kill-active", "1").returncode == 0


def test_faults_that_the_group_cannot_have_are_refused_all_at_once_before_any_is_injected(cli: Cli) -> None:
    (cli.folder / "not.toml").write_text(
        "[[step]]\ndo = 'kill'\n[[step]]\ndo = 'fill-disk'\n"
        "[[step]]\ndo = 'expire-lock'\ntargets = '@standby'\n"
    )
    done = cli.run("drill", "not.toml")
    assert done.returncode == 2
    problems = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert [problem.split(": ")[2] for problem in problems] == ["fill-disk @all", "expire-lock @standby"]
    assert not list((cli.folder / "state").rglob("*.ledger"))


@pytest.fixture
def here(cli: Cli, group_name: str) -> Iterator[Cli]:
    """A group that is there, healthy."""
    here = Cli(cli.folder, cli.env, group_name)
    here.ok("up")
    yield here
    here.ok("down", "--purge", "--yes", "--timeout", "0")


def test_a_drill_can_run_in_the_group_that_is_there_and_leaves_it_healthy(here: Cli) -> None:
    done = here.run("--json", "drill", "kill-loop", "--kill-active", "1", "--here")
    assert done.returncode == 0, done.stdout + done.stderr
    assert verdict(done)["group"] == here.group
    assert here.json("status")["state"] == "healthy"


def test_in_a_group_that_is_not_healthy_it_is_refused_with_exit_code_2_and_nothing_is_done(here: Cli) -> None:
    here.ok("kill", "@standby")
    done = here.run("drill", "kill-loop", "--here")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"error: a drill needs a healthy group, and '{here.group}' is degraded; see 'stanlocal status'\n"
    )
    assert len(here.json("faults")["faults"]) == 1


def test_recorded_commands_become_a_scenario_that_repeats_them(here: Cli) -> None:
    here.ok("kill", "@active")
    here.ok("wait", "--state", "degraded", "--timeout", "60")
    here.ok("heal")
    here.ok("wait", "--state", "healthy", "--timeout", "60")
    here.ok("drill", "record", "-o", "again.toml")
    assert 'do = "kill"\ntargets = "@active"\n' in (here.folder / "again.toml").read_text()
    done = here.run("--json", "drill", "again.toml", "--here")
    assert done.returncode == 0, done.stdout + done.stderr
    found = verdict(done)
    assert (found["faults"], [each["cause"] for each in found["failovers"]]) == (1, ["kill"])


def wait_for(process: subprocess.Popen[str], said: str) -> None:
    """Until it says so on standard error."""
    assert process.stderr is not None
    give_up = time.monotonic() + 60
    for line in process.stderr:
        if said in line:
            return
        assert time.monotonic() < give_up
    raise AssertionError(f"it ended and never said {said!r}")
