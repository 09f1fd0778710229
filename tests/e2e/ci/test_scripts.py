"""The scripts of the GitHub action and the GitLab template, run as these services run them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.ci.test_schemas import loaded
from tests.support.cli import ROOT
from tests.support.processes import processes_of

pytestmark = [pytest.mark.server, pytest.mark.timeout(240)]

FAULT = "kill:@active --every 1s"
FAILS_OVER = """
until stanlocal failovers --json | grep -q '"cause": "kill"'; do sleep 0.2; done
stanlocal pub orders one --url "$NATS_URL" --cluster-id "$STAN_CLUSTER_ID"
"""
"""A step of a job, which needs the group and waits for its failover."""


@dataclass(frozen=True, slots=True)
class Runner:
    """A CI runner with a state folder of its own, and `stanlocal` on its PATH."""

    folder: Path
    state: Path
    env: Mapping[str, str]

    def run(self, *command: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a step."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, **self.env, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def left(self) -> tuple[list[str], set[int]]:
        """Return the groups' folders and processes that are there."""
        home = self.state / "stanlocal"
        return sorted(path.name for path in home.iterdir()) if home.exists() else [], processes_of(self.state)


@pytest.fixture
def runner(tmp_path: Path, server_binary: Path) -> Runner:
    folder, state = tmp_path / "work", tmp_path / "state"
    folder.mkdir()
    env = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "XDG_STATE_HOME": str(state),
        "STANLOCAL_ENGINE": "process",
        "STANLOCAL_SERVER_BINARY": str(server_binary),
    }
    return Runner(folder, state, env)


@pytest.fixture
def github(runner: Runner) -> dict[str, str]:
    """The variables of a GitHub job, with the inputs that the action gives by default."""
    temp = runner.folder / "temp"
    temp.mkdir()
    files = {f"GITHUB_{name}": str(temp / name.lower()) for name in ("ENV", "PATH_FILE", "OUTPUT")}
    files["GITHUB_PATH"] = files.pop("GITHUB_PATH_FILE")
    defaults = {
        f"INPUT_{name.upper()}": str(of["default"]) for name, of in loaded("action.yml")["inputs"].items()
    }
    return {"RUNNER_TEMP": str(temp), "GITHUB_RUN_ID": "7", **files, **defaults}


def written(path: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in Path(path).read_text().splitlines())


def test_github_steps_have_a_group_that_fails_over_until_the_stop_action(
    runner: Runner, github: dict[str, str]
) -> None:
    started = runner.run(ROOT / "ci" / "github-start", **{**github, "INPUT_FAULT": FAULT})
    assert started.returncode == 0, started.stderr
    env, outputs = written(github["GITHUB_ENV"]), written(github["GITHUB_OUTPUT"])
    assert outputs["group"] == env["STANLOCAL_GROUP"]
    assert outputs["group"].startswith("ci-7-")
    assert (outputs["nats-url"], outputs["cluster-id"]) == (env["NATS_URL"], env["STAN_CLUSTER_ID"])
    tested = runner.run("bash", "-ec", FAILS_OVER, **env)
    stopped = runner.run(ROOT / "ci" / "github-stop", **github, **env)
    assert tested.returncode == 0, tested.stderr
    assert stopped.returncode == 0, stopped.stderr
    assert "failover" in stopped.stdout
    logs = Path(written(github["GITHUB_OUTPUT"])["logs"])
    assert "Streaming Server is ready" in (logs / "logs.txt").read_text()
    assert "kill" in (logs / "failovers.txt").read_text()
    assert runner.left() == ([], set())


def test_github_a_group_that_cannot_come_up_fails_the_step_and_the_stop_action_ends_well(
    runner: Runner, github: dict[str, str]
) -> None:
    given = {**github, "INPUT_FROM": "stan.conf\nnone.yaml\n"}
    (runner.folder / "stan.conf").write_text("port: 4222\nstreaming { cluster_id: mine, store: file }\n")
    started = runner.run(ROOT / "ci" / "github-start", **given)
    assert started.returncode == 2
    assert "none.yaml" in started.stderr
    stopped = runner.run(ROOT / "ci" / "github-stop", **given, **written(github["GITHUB_ENV"]))
    assert stopped.returncode == 0, stopped.stderr
    assert runner.left() == ([], set())


def test_github_a_fault_that_cannot_be_fails_the_step_with_the_reason(
    runner: Runner, github: dict[str, str]
) -> None:
    started = runner.run(ROOT / "ci" / "github-start", **{**github, "INPUT_FAULT": "kil --every 1s"})
    assert started.returncode == 1
    assert "did you mean 'kill'?" in started.stderr
    assert runner.run(ROOT / "ci" / "github-stop", **github, **written(github["GITHUB_ENV"])).returncode == 0
    assert runner.left() == ([], set())


def test_gitlab_script_has_a_group_that_fails_over_and_leaves_its_logs(runner: Runner) -> None:
    job = loaded("ci/gitlab.yml")[".stanlocal"]
    given = {name: str(value).replace("$CI_JOB_ID", "7") for name, value in job["variables"].items()}
    env = {**given, "CI_PROJECT_DIR": str(runner.folder), "STANLOCAL_CI_FAULT": FAULT}
    script = "\n".join([*job["before_script"], FAILS_OVER])  # one shell, as GitLab has it
    ran = runner.run("sh", "-ec", script, **env)
    after = runner.run("sh", "-ec", "\n".join(job["after_script"]), **env)
    assert ran.returncode == 0, ran.stderr
    assert after.returncode == 0, after.stderr
    (path,) = job["artifacts"]["paths"]
    logs = {file.name: file.read_text() for file in (runner.folder / path).iterdir()}
    assert "ended with exit code 143" in logs["faults.log"]
    assert "Streaming Server is ready" in logs["logs.txt"]
    assert runner.left() == ([], set())
