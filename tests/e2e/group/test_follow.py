"""Commands that stay: what they show while it happens, and how they end."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import docker
import pytest

from stanlocal.machine.locks import LOCK_FILE
from tests.e2e.group import documents
from tests.support.census import NOTHING, Left
from tests.support.cli import Cli
from tests.support.shape import differences

pytestmark = pytest.mark.docker


class Lines:
    """The lines of a stream, as they arrive; the test fails when one is waited for in vain."""

    def __init__(self, stream: IO[str]) -> None:
        self.seen: list[str] = []
        self._ended = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(stream,))
        self._thread.start()

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            with self._news:
                self.seen.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def until(self, words: str, timeout: float = 30) -> str:
        """The first line with these words."""

        def found() -> str | None:
            return next((line for line in self.seen if words in line), None)

        with self._news:
            self._news.wait_for(lambda: found() or self._ended, timeout)
        line = found()
        assert line is not None, f"no line with {words!r} in {self.seen[-20:]}"
        return line

    def join(self) -> list[str]:
        self._thread.join(30)
        return self.seen


@contextmanager
def following(cli: Cli, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], Lines, Lines]]:
    """A command that stays, and what it prints to standard output and standard error."""
    with cli.started(*arguments, PYTHONUNBUFFERED="1") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        out, err = Lines(process.stdout), Lines(process.stderr)
        yield process, out, err
        process.kill()
        out.join()
        err.join()


def end(process: subprocess.Popen[str], signal_: signal.Signals = signal.SIGINT) -> int:
    process.send_signal(signal_)
    return process.wait(30)


def test_events_are_printed_as_they_happen_until_ctrl_c(up: Cli) -> None:
    """Over a kill and the takeover after it; each line is an event of the contract."""
    with following(up, "events", "-f", "--json") as (process, out, err):
        out.until('"to": "healthy"')
        up.ok("kill", "0")
        out.until('"type": "failover"')
        assert end(process) == 130
        events = [json.loads(line) for line in out.join()]
        assert err.join()[-1] == "interrupted"
    assert [found for event in events for found in differences(event, documents.EVENT)] == []
    states = [event["detail"]["to"] for event in events if event["type"] == "group-state"]
    assert states[-4:] == ["healthy", "failover", "recovering", "degraded"]


def test_logs_are_followed_over_the_restart_of_a_node(up: Cli) -> None:
    """No line is missing or printed twice."""
    with following(up, "logs", "-f", "--json") as (process, out, _):
        out.until("Streaming Server is ready")
        up.ok("restart", "1")
        up.ok("wait", "--state", "healthy")
        starts = "Starting nats-streaming-server"
        out.until(starts)
        assert end(process) == 130
        followed = [json.loads(line) for line in out.join()]
    kept = [json.loads(line) for line in up.ok("logs", "--json").splitlines()]
    for node in (f"{up.group}-0", f"{up.group}-1"):
        lines = [(line["time"], line["message"]) for line in followed if line["node"] == node]
        assert (
            lines == [(line["time"], line["message"]) for line in kept if line["node"] == node][: len(lines)]
        )
        assert sum(starts in message for _, message in lines) == (1 if node.endswith("0") else 2)


def test_status_is_shown_again_at_each_change(up: Cli) -> None:
    with following(up, "status", "--watch", "--json") as (process, out, _):
        out.until('"state": "healthy"')
        up.ok("pause", "1")
        out.until('"state": "degraded"')
        up.ok("unpause", "1")
        assert end(process, signal.SIGTERM) == 130
        shown = [json.loads(line) for line in out.join()]
    assert [found for document in shown for found in differences(document, documents.GROUP)] == []
    states = [document["state"] for document in shown]
    assert states[:1] == ["healthy"]
    assert "degraded" in states


def test_a_wait_that_runs_out_says_how_the_nodes_were(up: Cli) -> None:
    done = up.run("wait", "--state", "blocked", "--timeout", "0.2")
    assert (done.returncode, done.stdout) == (1, "")
    error = done.stderr.splitlines()[-1]
    assert error.startswith("error: the group blocked: not reached after 0.2 s (")
    assert f"{up.group}-0 active" in error


def test_a_wait_returns_when_the_state_comes(up: Cli) -> None:
    up.ok("kill", "0")
    assert up.json("wait", "--state", "degraded")["active"] == f"{up.group}-1"


def test_attached_it_shows_what_happens_and_takes_the_group_down_on_ctrl_c(cli: Cli, left: Left) -> None:
    """The removal of the store's lock file, which leaves no other trace, is reported."""
    with following(cli, "up", "--attach", "--json") as (process, out, err):
        document = json.loads(out.until('"state": "healthy"'))
        err.until("Ctrl-C takes the group down")
        cli.ok("kill", "@active")
        failover = json.loads(out.until('"type": "failover"'))
        (Path(document["store_dir"]) / LOCK_FILE).unlink()
        out.until('"lock_file": "removed"')
        assert end(process) == 130
        assert "taking the group down" in err.join()
    assert failover["detail"]["from"] == document["active"]
    now = left.census()
    assert (now.containers, now.networks) == (frozenset(), frozenset())
    assert cli.json("status")["state"] == "down"
    cli.ok("down", "--purge", "--yes")
    assert left.census() == NOTHING


@pytest.mark.slow
def test_attached_a_node_that_died_is_restarted_and_one_that_was_killed_is_not(
    cli: Cli, left: Left, docker_client: docker.DockerClient
) -> None:
    with following(cli, "up", "--attach") as (process, _, err):
        err.until("Ctrl-C takes the group down", timeout=60)
        active = cli.json("status")["active"]
        (standby,) = {f"{cli.group}-0", f"{cli.group}-1"} - {active}
        died = docker_client.containers.get(standby)
        cli.ok("kill", active)
        cli.ok("wait", "--state", "degraded")
        os.kill(died.attrs["State"]["Pid"], signal.SIGKILL)
        err.until(f"{standby} is dead; restarting it")
        cli.ok("wait", "--state", "degraded")
        nodes = {node["name"]: node["state"] for node in cli.json("status")["nodes"]}
        assert nodes == {active: "stopped", standby: "active"}
        assert end(process) == 130
    cli.ok("down", "--purge", "--yes")
    assert left.census() == NOTHING


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, cli: Cli, *arguments: str, **env: str) -> None:
        self._master, slave = pty.openpty()
        command = [*cli.command(*arguments)]
        self.process = subprocess.Popen(
            command,
            cwd=cli.folder,
            env={**cli.environment(), "TERM": "xterm-256color", **env},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def read(self) -> str:
        """Return all that it shows until it ends."""
        shown = b""
        try:
            while chunk := os.read(self._master, 65536):
                shown += chunk
        except OSError:  # the other side is closed
            pass
        self.process.wait(30)
        os.close(self._master)
        return shown.decode()

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())


def test_on_a_terminal_there_is_colour_unless_no_color_is_set(up: Cli) -> None:
    assert "\x1b[" in Terminal(up, "status").read()
    assert "\x1b[3" not in Terminal(up, "status", NO_COLOR="1").read()


@pytest.mark.parametrize(("answer", "state"), [("n\n", "healthy"), ("y\n", None)])
def test_on_a_terminal_a_purge_asks_first(cli: Cli, left: Left, answer: str, state: Any) -> None:
    cli.ok("up")
    terminal = Terminal(cli, "down", "--purge", "--timeout", "0")
    terminal.type(answer)
    shown = terminal.read()
    assert "this deletes the store of the group" in shown
    if state is None:
        assert terminal.process.returncode == 0
    else:
        assert terminal.process.returncode == 130
        assert cli.json("status")["state"] == state
        cli.ok("down", "--purge", "--yes", "--timeout", "0")
    assert left.census() == NOTHING
