"""Whole groups of real servers as local processes, by the command line that users have."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stanlocal.api import group_over
from stanlocal.engine.docker import endpoint
from stanlocal.lifecycle.inventory import open_groups
from stanlocal.lifecycle.opener import GroupOpener
from stanlocal.model import plan_json
from tests.support.cli import Cli
from tests.support.processes import processes_of

pytestmark = pytest.mark.server


@pytest.fixture
def cli(home: Path, server_binary: Path, tmp_path: Path) -> Cli:
    """The command line over a state home of its own, with the process engine, for group `g`."""
    env = {
        "XDG_STATE_HOME": str(home),
        "STANLOCAL_ENGINE": "process",
        "STANLOCAL_SERVER_BINARY": str(server_binary),
    }
    return Cli(tmp_path, env, "g")


@pytest.fixture
def up(cli: Cli) -> Callable[..., Any]:
    """Bring a group up; its document."""

    def up(group: str = "g") -> Any:
        return cli.json("--group", group, "up")

    return up


def without_docker(cli: Cli, home: Path) -> Cli:
    """The command line with `--engine auto` where the Docker Engine that the user names does not answer."""
    return replace(
        cli, env={**cli.env, "STANLOCAL_ENGINE": "auto", "DOCKER_HOST": f"unix://{home}/none.sock"}
    )


def pids(home: Path, group: str) -> dict[str, str]:
    """The server's identity for each node, as recorded."""
    runs = (home / "stanlocal" / group / "processes").glob("*/run")
    return {run.parent.name: run.read_text().partition("server ")[2].splitlines()[0] for run in runs}


def test_a_group_lives_and_fails_over_without_docker(cli: Cli, up: Callable[..., Any], home: Path) -> None:
    made = up()
    assert (made["engine"], made["state"]) == ("process", "healthy")
    assert made["lock_holder"] == made["active"]
    assert [node["container"] for node in made["nodes"]] == [None, None]
    assert sorted(node["state"] for node in made["nodes"]) == ["active", "standby"]
    plan = plan_json.from_json((home / "stanlocal" / "g" / "group.json").read_text())
    assert plan.engine == "process"

    before = pids(home, "g")
    assert cli.json("up")["state"] == "healthy"
    assert pids(home, "g") == before, "a second up changes nothing"

    cli.ok("kill", "@active")
    degraded = cli.json("wait", "--state", "degraded")
    assert degraded["active"] != made["active"]
    [failover] = cli.json("failovers")["failovers"]
    assert (failover["cause"], failover["from"], failover["to"]) == (
        "kill",
        made["active"],
        degraded["active"],
    )

    cli.ok("pause", "@active")
    assert cli.json("status")["state"] == "blocked"
    cli.ok("unpause", "@all")
    mended = cli.json("up")
    assert (mended["state"], mended["faults"]) == ("healthy", [])

    assert cli.json("down")["removed"] == {"g": ["g-0", "g-1"]}
    assert processes_of(home) == set()
    assert cli.json("status")["state"] == "down"
    assert "Streaming Server is ready" in cli.ok("logs")
    cli.ok("down", "--purge", "--yes")
    assert processes_of(home) == set()
    assert not (home / "stanlocal" / "g").exists()


@pytest.mark.parametrize("delay_ms", range(100, 1700, 200))
def test_a_tool_killed_at_any_moment_leaves_a_group_that_can_be_ended(
    cli: Cli, home: Path, delay_ms: int
) -> None:
    with cli.started("up") as tool:
        time.sleep(delay_ms / 1000)  # the moment is what is tested
        tool.kill()
        tool.communicate()
    assert cli.run("status").returncode in (0, 4)
    cli.ok("down", "--timeout", "0")
    assert processes_of(home) == set()
    assert not list((home / "stanlocal").glob("g/processes/*"))


@pytest.mark.parametrize("delay_ms", range(150, 350, 50))
def test_a_down_killed_at_any_moment_is_completed_by_the_next(
    cli: Cli, up: Callable[..., Any], home: Path, delay_ms: int
) -> None:
    up()
    cli.ok("isolate", "@active")
    with cli.started("down", "--timeout", "0") as tool:
        time.sleep(delay_ms / 1000)  # the moment is what is tested
        tool.kill()
        tool.communicate()
    assert cli.run("status").returncode == 0
    cli.ok("down", "--timeout", "0")
    assert processes_of(home) == set()
    assert not (home / "stanlocal" / "g" / "processes").exists()


def test_a_tool_killed_as_soon_as_a_node_appears_leaves_a_group_that_goes_on(
    cli: Cli, home: Path, up: Callable[..., Any]
) -> None:
    seen = threading.Event()
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            if list((home / "stanlocal").glob("g/processes/g-0/node.json")):
                seen.set()
                return

    with ThreadPoolExecutor() as threads, cli.started("up") as tool:
        threads.submit(watch)
        assert seen.wait(20)
        tool.kill()
        stop.set()
        tool.communicate()
    assert cli.json("up")["state"] == "healthy"
    assert len(pids(home, "g")) == 2
    cli.ok("down", "--timeout", "0")
    assert processes_of(home) == set()


def test_an_interrupted_up_removes_what_it_made(cli: Cli, home: Path) -> None:
    with cli.started("up") as tool:
        while not list((home / "stanlocal").glob("g/processes/g-1/run")):
            time.sleep(0.005)
            assert tool.poll() is None
        tool.send_signal(signal.SIGINT)
        tool.communicate(timeout=30)
    assert tool.returncode == 130
    assert processes_of(home) == set()
    assert not (home / "stanlocal" / "g").exists()


def test_two_groups_do_not_disturb_each_other(cli: Cli, up: Callable[..., Any], home: Path) -> None:
    with ThreadPoolExecutor() as threads:
        one, two = threads.map(up, ["one", "two"])
    assert {one["state"], two["state"]} == {"healthy"}
    assert not set(one["client_urls"] + one["monitor_urls"]) & set(two["client_urls"] + two["monitor_urls"])
    before = pids(home, "two")
    cli.ok("--group", "one", "isolate", "@all")
    assert cli.json("--group", "two", "status")["state"] == "healthy"
    cli.ok("--group", "one", "kill", "@all")
    cli.ok("--group", "one", "down")
    after = cli.json("--group", "two", "status")
    assert (after["active"], after["state"]) == (two["active"], "healthy")
    assert pids(home, "two") == before
    assert [group["group"] for group in cli.json("list")["groups"]] == ["one", "two"]
    cli.ok("down", "--all", "--purge", "--yes")
    assert processes_of(home) == set()


def test_a_group_stays_with_the_engine_that_made_it(cli: Cli, up: Callable[..., Any], home: Path) -> None:
    up()
    refused = cli.run("up", "--engine", "docker", "--json")
    assert refused.returncode == 2
    assert "was made with the engine 'process' and stays with it" in refused.stderr
    assert json.loads(refused.stdout)["error"]["type"] == "settings"
    elsewhere = without_docker(cli, home)
    assert elsewhere.run("status").stderr == "", "no word about Docker: the group is not Docker's"
    cli.ok("down")

    file = home / "stanlocal" / "g" / "group.json"
    file.write_text(file.read_text().replace('"engine":"process"', '"engine":"docker"'))
    refused = cli.run("up")
    assert refused.returncode == 2
    assert "was made with the engine 'docker'" in refused.stderr
    gone = elsewhere.run("up")
    assert gone.returncode == 3, "Docker made it, and does not answer"
    assert processes_of(home) == set()


async def test_without_docker_auto_takes_processes_and_says_why_in_one_line(
    home: Path, server_binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    monkeypatch.setattr(endpoint, "DEFAULT_SOCKET", f"{tmp_path}/none.sock")
    notes: list[str] = []
    flags = {"group": "g", "server_binary": str(server_binary)}
    group = group_over(GroupOpener(flags, note=notes.append))
    assert (await group.up()).plan.engine == "process"
    [line] = [note for note in notes if "Docker" in note]
    assert line.startswith("the nodes are local processes")
    assert "none.sock" in line
    async with open_groups("auto", notes.append) as groups:
        assert [(each.name, each.engine.name) for each in groups] == [("g", "process")]
    await group.down(timeout=0, purge=True)
    await group.close()
    assert processes_of(home) == set()


def test_a_docker_engine_that_the_user_named_is_not_replaced(cli: Cli, home: Path) -> None:
    refused = without_docker(cli, home).run("up")
    assert refused.returncode == 3
    assert "none.sock" in refused.stderr
    assert processes_of(home) == set()


@pytest.mark.skipif(os.geteuid() == 0, reason="root's servers run as another user")
def test_the_store_is_the_callers_own(cli: Cli, up: Callable[..., Any], home: Path) -> None:
    made = up()
    owners = {path.stat().st_uid for path in Path(made["store_dir"]).rglob("*")}
    assert owners == {os.geteuid()}
    cli.ok("down")
