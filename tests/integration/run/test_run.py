"""`run` as users have it: a command on a group of its own, which fails over meanwhile."""

from __future__ import annotations

import json
import signal
from xml.etree import ElementTree as Xml

import pytest

from tests.support.cli import Cli
from tests.support.own_runs import OwnRuns

pytestmark = pytest.mark.timeout(300)

FAILED_OVER = """
import json, os, sys, time
from stanlocal import sync

found = []
url, cluster_id = os.environ["NATS_URL"], os.environ["STAN_CLUSTER_ID"]
with sync.stan.connect(url, cluster_id=cluster_id, retry=True) as client:
    group = sync.attach(os.environ["STANLOCAL_GROUP"])
    while len(found) < int(sys.argv[1]):
        client.publish("orders", b"1")
        found = group.failovers()
    group.close()
print(json.dumps({"env": {k: v for k, v in os.environ.items() if k.startswith(("NATS_", "STAN"))}}))
print("to standard error", file=sys.stderr)
sys.exit(int(sys.argv[2]))
"""
"""Publishes until the group has failed over as often as asked, then ends with that exit code."""

SIGNALS = """
import signal, sys, time
seen = []
def note(number, frame):
    print(signal.Signals(number).name, flush=True)
    if number in (signal.SIGTERM, signal.SIGINT):
        sys.exit(7)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP):
    signal.signal(number, note)
print("ready", *(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)), flush=True)
while True:
    time.sleep(60)
"""
"""Prints each signal that it gets, and whether it has a terminal."""

FAILS = "stanlocal kill @active && stanlocal wait --state degraded >/dev/null && exit 3"
"""A shell's command that fails after a failover of its own."""

ONE_ENGINE = pytest.mark.only_on("process", "no engine has a part in it")

PAUSED = """
import os
from stanlocal import sync
group = sync.attach(os.environ["STANLOCAL_GROUP"])
print(os.environ["STANLOCAL_GROUP"], group.wait_state("degraded", timeout=30).state.value)
group.close()
"""
"""Waits for the fault of the run."""


def test_a_command_runs_while_the_group_fails_over_and_reports_say_what_happened(runs: OwnRuns) -> None:
    command = runs.python(FAILED_OVER)
    reports = ("--junit", "r.xml", "--html", "r.html")
    done = runs.run("--fault", "kill:@active", "--every", "2s", *reports, "--", *command, "2", "0")
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    env = json.loads(line)["env"]
    assert env["STANLOCAL_GROUP"].startswith("run-")
    assert len(env["NATS_URL"].split(",")) == len(env["STANLOCAL_MONITOR_URLS"].split(",")) == 2
    last = done.stderr.splitlines()[-1]
    assert "to standard error" in done.stderr
    assert " succeeded after " in last
    assert "2 failovers after " in last or "3 failovers after " in last
    assert "longest outage " in last
    case = Xml.parse(runs.cli.folder / "r.xml").getroot().find("testsuite/testcase")
    assert case is not None
    assert case.find("failure") is None
    html = (runs.cli.folder / "r.html").read_text()
    assert html.count("<td>kill</td>") >= 2


def test_a_command_that_fails_has_the_groups_log_and_timeline_in_its_report(runs: OwnRuns) -> None:
    done = runs.run("--", "sh", "-c", FAILS, PATH=runs.path())
    assert done.returncode == 3, done.stderr
    assert ": timeline\n" in done.stderr
    assert "failover" in done.stderr
    assert "Streaming Server is ready" in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"stanlocal: sh -c '{FAILS}' ended with exit code 3 ")


def test_an_outage_over_the_budget_is_a_bad_verdict_of_a_command_that_succeeds(runs: OwnRuns) -> None:
    command = runs.python(FAILED_OVER)
    budget = ("--max-outage", "0.2", "--fault", "kill", "--after", "0.5s")
    done = runs.run("--json", *budget, "--", *command, "1", "0")
    assert done.returncode == 5, done.stderr
    document = json.loads(done.stderr.splitlines()[-1])
    assert (document["ok"], document["exit_code"], len(document["failovers"])) == (False, 0, 1)
    assert document["longest_outage_ms"] == max(document["outages_ms"]) > 200
    assert "the limit is 0.2 s" in document["problems"][0]
    assert document["faults"][0]["name"] == "kill"


@ONE_ENGINE
def test_a_drill_runs_beside_the_command_and_nothing_is_lost(runs: OwnRuns) -> None:
    command = runs.python(FAILED_OVER)
    done = runs.run("--json", "--drill", "kill-loop", "--seed", "7", "--", *command, "1", "0")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stderr.splitlines()[-1])
    assert (document["drill"]["lost"], document["seed"], document["drill"]["ended"]) == (0, 7, "interrupted")
    assert document["drill"]["acked"] > 0
    assert document["failovers"]


@ONE_ENGINE
def test_a_fault_that_the_group_cannot_have_is_refused_before_the_command_starts(runs: OwnRuns) -> None:
    done = runs.run("--fault", "slow-network:@active:1s", "--every", "5s", "--", "echo", "started")
    assert (done.returncode, done.stdout) == (2, "")
    assert "slow-network is unavailable" in done.stderr


@ONE_ENGINE
def test_signals_are_the_commands(runs: OwnRuns) -> None:
    with runs.started("--", *runs.python(SIGNALS)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready False False False\n"
        for number in (signal.SIGUSR1, signal.SIGHUP, signal.SIGTERM):
            process.send_signal(number)
            assert process.stdout.readline() == f"{number.name}\n"
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (7, "")
    assert "ended with exit code 7" in err


@ONE_ENGINE
def test_a_command_that_a_signal_ends_has_the_shells_exit_code_and_no_long_report(runs: OwnRuns) -> None:
    done = runs.run("--", "sh", "-c", "kill -TERM $$")
    assert done.returncode == 143
    assert "ended with exit code 143" in done.stderr
    assert "Streaming Server is ready" not in done.stderr


@ONE_ENGINE
def test_a_group_that_was_there_is_left_as_it_was_found(
    on_engine: str, group_name: str, runs: OwnRuns
) -> None:
    here = Cli(runs.cli.folder, runs.cli.env, group=group_name)
    here.ok("up")
    try:
        command = ("--fault", "pause:@standby", "--after", "0s", "--", *runs.python(PAUSED))
        done = here.run("run", *command)
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"{group_name} degraded\n"
        document = here.json("status")
        assert (document["state"], document["faults"]) == ("healthy", [])
    finally:
        here.ok("down", "--purge", "--yes", "--timeout", "0")


@ONE_ENGINE
def test_a_secured_group_is_reached_by_what_the_variables_name(runs: OwnRuns) -> None:
    publish = (
        'stanlocal pub orders one --url "$NATS_URL" --cluster-id "$STAN_CLUSTER_ID" '
        '--user "$NATS_USER" --password-file "$NATS_PASSWORD_FILE" --tls-ca "$NATS_CA" --json'
    )
    done = runs.run("--secure", "--", "sh", "-c", publish, PATH=runs.path())
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["acked"] == 1
