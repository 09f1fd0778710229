"""Standard output with `--json` holds the documents of the contract, and nothing else."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.e2e.group import documents
from tests.support.cli import Cli
from tests.support.shape import Shape, differences

pytestmark = pytest.mark.docker

_ONE = [
    (("up",), documents.GROUP),
    (("status",), documents.GROUP),
    (("wait", "--state", "healthy"), documents.GROUP),
    (("start", "0"), documents.GROUP),
    (("unpause", "@all"), documents.GROUP),
    (("failovers",), documents.FAILOVERS),
    (("faults",), documents.FAULTS),
    (("env",), documents.ENV),
]


@pytest.mark.parametrize(("command", "shape"), _ONE, ids=[" ".join(command) for command, _ in _ONE])
def test_a_command_prints_one_document(shared: Cli, command: tuple[str, ...], shape: Shape) -> None:
    done = shared.run(*command, "--json")
    assert done.returncode == 0, done.stderr
    assert list(differences(json.loads(done.stdout), shape)) == []


def test_list_has_the_document_of_the_group(shared: Cli) -> None:
    """The engine may have groups of other tests, whose addresses are not this machine's."""
    listed = shared.json("list")
    [mine] = [group for group in listed["groups"] if group["group"] == shared.group]
    assert list(differences({**listed, "groups": [mine]}, documents.LIST)) == []


@pytest.mark.parametrize(("command", "shape"), [("events", documents.EVENT), ("logs", documents.LOG_LINE)])
def test_streams_have_one_document_per_line(shared: Cli, command: str, shape: Shape) -> None:
    lines = [json.loads(line) for line in shared.ok(command, "--json").splitlines()]
    assert lines
    assert [found for line in lines for found in differences(line, shape)] == []
    assert [line["time"] for line in lines] == sorted(line["time"] for line in lines)


def test_node_commands_print_the_group_as_they_left_it(up: Cli) -> None:
    """Each returns once the engine confirms the effect."""

    def node(command: str, target: str) -> tuple[str, str, bool]:
        document = up.json(command, target)
        assert list(differences(document, documents.GROUP)) == []
        found = next(each for each in document["nodes"] if each["index"] == 1)
        return document["state"], found["state"], found["paused"]

    assert node("pause", "1") == ("degraded", "standby", True)
    assert [fault["name"] for fault in up.json("status")["faults"]] == ["pause"]
    assert node("unpause", "1") == ("healthy", "standby", False)
    assert node("stop", "1") == ("degraded", "stopped", False)
    assert node("start", "1")[1] in ("starting", "standby")
    up.ok("wait", "--state", "healthy")
    assert node("restart", "1")[1] in ("starting", "standby")
    up.ok("wait", "--state", "healthy")
    assert node("kill", "1") == ("degraded", "stopped", False)


def test_the_failover_after_a_kill_has_all_that_the_contract_promises(shared: Cli) -> None:
    [failover] = shared.json("failovers")["failovers"]
    assert (failover["cause"], failover["from"], failover["to"]) == (
        "kill",
        f"{shared.group}-0",
        f"{shared.group}-1",
    )
    phases = failover["phases_ms"]
    assert phases.pop("first_ack") is None
    assert all(took is not None and took >= 0 for took in phases.values())
    assert failover["outage_ms"] is None
    [fault] = shared.json("faults")["faults"]
    assert (fault["name"], fault["targets"]) == ("kill", [f"{shared.group}-0"])
    assert fault["until"] is not None


def test_a_group_that_is_down_is_listed_as_down(up: Cli) -> None:
    up.ok("down", "--timeout", "0")
    assert up.json("status")["state"] == "down"
    [mine] = [group for group in up.json("list")["groups"] if group["group"] == up.group]
    assert (mine["state"], mine["nodes"]) == ("down", [])
    assert up.json("down") == {"removed": {up.group: []}, "left": []}


def test_env_is_what_a_shell_can_take(shared: Cli) -> None:
    document = shared.json("status")
    names = '"$NATS_URL" "$STAN_CLUSTER_ID" "$STANLOCAL_GROUP" "$STANLOCAL_MONITOR_URLS"'
    shell = f'eval "$1"; printf "%s\\n" {names}'
    printed = subprocess.run(
        ["sh", "-euc", shell, "sh", shared.ok("env")], capture_output=True, text=True, check=True
    ).stdout
    assert printed.splitlines() == [
        ",".join(document["client_urls"]),
        document["cluster_id"],
        document["group"],
        ",".join(document["monitor_urls"]),
    ]


@pytest.mark.parametrize("command", ["status", "list", "failovers", "faults", "events", "logs", "env"])
def test_without_a_terminal_there_is_no_colour(shared: Cli, command: str) -> None:
    """A colourful TERM alone forces no colour."""
    done = shared.run(command, TERM="xterm-256color")
    assert done.returncode == 0
    assert done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_status_is_aligned_and_says_who_is_active_and_where_to_connect(shared: Cli) -> None:
    document = shared.json("status")
    first, head, *rows = shared.ok("status").splitlines()
    assert first.startswith(f"{shared.group}: healthy, {shared.group}-1 is active")
    assert head.split() == ["NODE", "STATE", "LOCK", "CLIENTS", "MONITOR", "CPU", "MEM"]
    for row, node in zip(rows, document["nodes"], strict=True):
        assert row.startswith(f"{node['name']}  {node['state']}")
        assert row.index(node["client_url"].removeprefix("nats://")) == head.index("CLIENTS")
    assert "holds" in rows[1]
    assert "holds" not in rows[0]


def test_logs_take_the_last_lines_of_chosen_nodes_that_a_pattern_finds(shared: Cli) -> None:
    ready = shared.ok("logs", "--grep", "Streaming Server is ready").splitlines()
    assert [line.split()[0] for line in ready] == [f"{shared.group}-0", f"{shared.group}-1"]
    assert [line.split()[1] for line in ready] == ["active", "active"], "each line has its node's state"
    assert len(shared.ok("logs", "--tail", "2").splitlines()) == 4
    assert len(shared.ok("logs", "--tail", "0").splitlines()) == 0
    only = shared.ok("logs", "@active", "--tail", "5").splitlines()
    assert {line.split()[0] for line in only} == {f"{shared.group}-1"}


def test_logs_since_a_time_begin_with_it(shared: Cli) -> None:
    lines = [json.loads(line) for line in shared.ok("logs", "--json").splitlines()]
    middle = lines[len(lines) // 2]["time"]
    since = [json.loads(line) for line in shared.ok("logs", "--json", "--since", middle).splitlines()]
    assert since == [line for line in lines if line["time"] >= middle]
    assert shared.ok("logs", "--since", "0s") == ""
    assert len(shared.ok("logs", "--since", "1h").splitlines()) == len(lines)
