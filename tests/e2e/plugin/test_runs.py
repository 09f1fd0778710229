"""Runs that end in every way, and several at once: nothing of them stays, and no live run is disturbed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import docker
import pytest

from stanlocal import sync
from tests.e2e.plugin.project import Project
from tests.support.census import take
from tests.support.cli import ROOT, Cli
from tests.support.forward import forwarded
from tests.support.processes import processes_of

WAITS = """
    import pathlib, time

    def test_waits(stan_group):
        print("\\nup:", stan_group.sync.document()["group"], flush=True)
        while not pathlib.Path("go-on").exists():
            time.sleep(0.05)
"""


def _group_when_up(run: subprocess.Popen[str]) -> str:
    assert run.stdout is not None
    text = []
    for line in run.stdout:
        text.append(line)
        if line.startswith("up: "):
            return line.removeprefix("up: ").strip()
    raise AssertionError("".join(text))


def _kill(run: subprocess.Popen[str]) -> None:
    run.kill()
    run.wait()


def test_a_killed_runs_group_goes_with_the_next_run_and_a_live_runs_stays(project: Project) -> None:
    project.write("test_it.py", WAITS)
    project.write("test_other.py", "def test_other(stan_group): pass")
    with (
        project.started("-s", "--stan-engine=process", "test_it.py") as killed,
        project.started("-s", "--stan-engine=process", "test_it.py") as alive,
    ):
        left, kept = _group_when_up(killed), _group_when_up(alive)
        assert set(project.groups) == {left, kept}
        _kill(killed)
        assert project.run("test_other.py").outcomes == {"passed": 1}
        assert project.groups == [kept]
        (project.folder / "go-on").touch()
        alive.communicate(timeout=30)
        assert alive.returncode == 0


@pytest.mark.docker
def test_a_killed_run_on_docker_leaves_nothing_after_the_next(
    project: Project, docker_client: docker.DockerClient, server_image: str
) -> None:
    project.write("test_it.py", WAITS)
    project.write("test_other.py", "def test_other(stan_group): pass")
    with project.started("-s", "--stan-engine=docker", "test_it.py") as killed:
        group = _group_when_up(killed)
        before = take(docker_client, prefix=group)
        assert (len(before.containers), len(before.networks)) == (2, 2)
        _kill(killed)
    assert project.run("--stan-engine=docker", "test_other.py").outcomes == {"passed": 1}
    after = take(docker_client, state_home=project.state_home, prefix="")
    assert not {name for name in after.containers | after.networks | after.volumes if name.startswith(group)}
    assert not after.folders


@pytest.mark.slow
def test_ctrl_c_in_a_test_takes_the_group_down(project: Project) -> None:
    project.write("test_it.py", WAITS)
    with project.started("-s", "--stan-engine=process") as run:
        _group_when_up(run)
        run.send_signal(signal.SIGINT)
        out, _ = run.communicate(timeout=30)
    assert run.returncode == 2, out
    assert "KeyboardInterrupt" in out


def test_ctrl_c_while_the_group_comes_up_leaves_nothing(project: Project) -> None:
    project.write("test_it.py", "def test_it(stan_group): pass")
    with project.started("-s", "--stan-engine=process") as run:
        while not project.groups and run.poll() is None:
            pass
        run.send_signal(signal.SIGINT)
        out, _ = run.communicate(timeout=30)
    assert run.returncode == 2, out


def test_a_kept_group_is_left_running_and_said_how_to_end(project: Project, tmp_path: Path) -> None:
    project.write("test_it.py", "def test_it(stan_group): pass")
    ran = project.run("--stan-keep")
    [group] = project.groups
    assert f"the FT group {group} is left running: 'stanlocal --group {group} status'" in ran.text
    cli = Cli(tmp_path, {"XDG_STATE_HOME": str(project.state_home)}, group)
    assert cli.json("status")["state"] == "healthy"
    assert project.run().outcomes == {"passed": 1}
    assert project.groups == [group], "no later run takes it for a leftover"
    cli.ok("down", "--purge", "--yes", "--timeout", "0")


@pytest.mark.slow
def test_a_reused_group_serves_the_next_run_but_not_two_at_once(project: Project, tmp_path: Path) -> None:
    project.write("test_it.py", WAITS)
    (project.folder / "go-on").touch()
    assert project.run("--stan-reuse").outcomes == {"passed": 1}
    [group] = project.groups
    servers = processes_of(project.state_home)
    assert project.run("--stan-reuse").outcomes == {"passed": 1}
    assert (project.groups, processes_of(project.state_home)) == ([group], servers)
    (project.folder / "go-on").unlink()
    with project.started("-s", "--stan-engine=process", "--stan-reuse") as run:
        assert _group_when_up(run) == group
        (project.folder / "go-on").touch()
        with project.started("-s", "--stan-engine=process", "--stan-reuse") as other:
            other.communicate(timeout=30)
        run.communicate(timeout=30)
    for name in project.groups:
        cli = Cli(tmp_path, {"XDG_STATE_HOME": str(project.state_home)}, name)
        cli.ok("down", "--purge", "--yes", "--timeout", "0")


@pytest.mark.parametrize(("option", "outcome"), [("fail", "error"), ("skip", "skipped")])
def test_without_an_engine_tests_fail_or_are_skipped_with_the_reason(
    project: Project, option: str, outcome: str
) -> None:
    project.write("test_it.py", "def test_it(stan_group): pass\ndef test_more(stan_group): pass")
    project.env["DOCKER_HOST"] = "unix:///nowhere/docker.sock"
    ran = project.run("--stan-engine=docker", f"--stan-unavailable={option}", "-rs")
    assert ran.outcomes == {outcome: 2}, ran.text
    assert "no Docker Engine answers: DOCKER_HOST (unix:///nowhere/docker.sock)" in ran.text
    assert "Traceback" not in ran.text


_DROPPED = """
import gc
from stanlocal import sync
group = sync.FTGroup(group="{name}", engine="process")
group.up()
group.down(timeout=0, purge=True)
group.attach = None
core = sync.attach("{name}", engine="process")
core.up()
core.down(timeout=0, purge=True)
del core
gc.collect()
group.close()
"""


def test_a_group_that_is_dropped_without_closing_warns(project: Project) -> None:
    script = _DROPPED.format(name="dropped")
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", script],
        env={**project.environment(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("ResourceWarning: <FTGroup dropped> was not closed") == 1


def test_an_exception_inside_a_blocking_group_takes_it_down(
    monkeypatch: pytest.MonkeyPatch, project: Project
) -> None:
    for name, value in project.environment().items():
        monkeypatch.setenv(name, value)
    inside = []

    def fail() -> None:
        with sync.FTGroup(group="t", engine="process", purge=True):
            inside.extend(project.groups)
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        fail()
    assert (inside, project.groups) == (["t"], [])


_FAILS_OVER = """
    def test_it(stan_group, stan_sync_client, stan_channel):
        stan_sync_client.publish(stan_channel, b"1")
        with stan_group.sync.during_failover():
            stan_sync_client.publish(stan_channel, b"2")
"""


@pytest.mark.docker
def test_an_engine_on_a_tcp_address_of_the_loopback(
    project: Project, docker_client: docker.DockerClient, server_image: str
) -> None:
    project.write("test_it.py", _FAILS_OVER)
    with forwarded("/var/run/docker.sock") as port:
        project.env["DOCKER_HOST"] = f"tcp://127.0.0.1:{port}"
        ran = project.run("--stan-engine=docker")
    assert ran.outcomes == {"passed": 1}, ran.text
