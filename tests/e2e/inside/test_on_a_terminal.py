"""Names and payloads that anyone may choose, seen on a terminal: nothing of them acts upon it."""

from __future__ import annotations

import json
import os
import pty
import re
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from stanlocal.cli.app import app
from tests.support.cli import Cli

pytestmark = pytest.mark.server

ESCAPES = "\x1b]0;title\x07\x1b[2J\x1b[8mhidden\n[1] forged\x9b31m\u202egnp\u2066.exe\r\x7f"
CHANNEL = "évil\x9b31m\u202egnp\u2066.\U000e0041exe"
"""Hostile text without blanks and ASCII control characters, which the client refuses in a channel."""
SHOWN = r"évil\x9b31m\u202egnp\u2066.\U000e0041exe"

OURS = re.compile(r"\x1b\[(?:0|1|2|[349][0-8])(?:;[0-9]{1,3})*m|\x1b\[(?:\?25[hl]|[0-9]*[AKJHG])|\r")
"""Styles, and what a spinner, a progress bar or a watch moves the cursor with."""

DONE = ("--for", "0.1")
COMMANDS: dict[str, list[list[str]]] = {
    "up": [["up", "--image", ESCAPES, "--timeout", "1"], ["up", "--from", f"none{ESCAPES}"], ["up"]],
    "down": [["down", "--group", ESCAPES]],
    "status": [["status"], ["status", ESCAPES]],
    "list": [["list"]],
    "wait": [["wait", "--state", "healthy"], ["wait", "--state", ESCAPES]],
    "env": [["env"]],
    "start": [["start", ESCAPES]],
    "stop": [["stop", ESCAPES]],
    "restart": [["restart", ESCAPES]],
    "kill": [["kill", ESCAPES], ["kill", "0", "--signal", ESCAPES]],
    "pause": [["pause", ESCAPES]],
    "unpause": [["unpause", ESCAPES]],
    "partition": [["partition", ESCAPES]],
    "isolate": [["isolate", ESCAPES]],
    "heal": [["heal"], ["heal", ESCAPES]],
    "fault": [["fault", ESCAPES], ["fault", "pause", "@standby", *DONE]],
    "gotcha": [["gotcha"], ["gotcha", ESCAPES]],
    "drill": [["drill", ESCAPES], ["drill", "verify", ESCAPES], ["drill", "record"]],
    "run": [["run", ESCAPES], ["run", "--fault", ESCAPES, "true"], ["run", "sh", "-c", "exit 3", ESCAPES]],
    "logs": [["logs"], ["logs", "--grep", f"({ESCAPES}"]],
    "events": [["events"]],
    "failovers": [["failovers"], ["failovers", "--svg", f"none/{ESCAPES}"]],
    "faults": [["faults"], ["faults", "--list"]],
    "pub": [["pub", CHANNEL, ESCAPES], ["pub", ESCAPES, "x"]],
    "sub": [
        ["sub", CHANNEL, "--all", "--count", "1"],
        ["sub", CHANNEL, "--all", "--count", "1", "--json"],
        ["sub", ESCAPES],
        ["sub", CHANNEL, "--timeout", "0.2"],
    ],
    "bench": [["bench", CHANNEL, "--count", "10"], ["bench", ESCAPES]],
    "tui": [["tui", ESCAPES]],
    "tour": [["tour", ESCAPES], ["tour", "--lesson", ESCAPES]],
    "config": [["config", "show"], ["config", "render", ESCAPES], ["config", "validate", ESCAPES]],
    "export": [["export", "compose"], ["export", "helm", "--output", f"/proc/{ESCAPES}"]],
    "channels": [["channels"], ["channels", "--json"]],
    "clients": [["clients"], ["clients", "--json"]],
    "subscriptions": [["subscriptions"], ["subscriptions", "--json"]],
    "store": [
        ["store"],
        ["store", "--json"],
        ["store", "verify"],
        ["store", "dump", CHANNEL],
        ["store", "dump", CHANNEL, "--format", "hex"],
        ["store", "dump", CHANNEL, "--json"],
        ["store", "dump", ESCAPES],
        ["store", "--dir", ESCAPES],
        ["store", "diff", ESCAPES, ESCAPES],
        ["store", "snapshot", ESCAPES],
    ],
    "forward": [["forward"], ["forward", "--port", ESCAPES]],
    "metrics": [["metrics", "--listen", ESCAPES]],
    "migrate": [
        ["migrate", "plan"],
        ["migrate", "plan", "--json"],
        ["migrate", "plan", ESCAPES],
        ["migrate", "plan", "--names", ESCAPES],
        ["migrate", "plan", "--from", ESCAPES],
        ["migrate", "plan", "--to-version", ESCAPES],
        ["migrate", "plan", "--write-names", f"none/{ESCAPES}"],
        ["migrate", "pack", "--out", f"none/{ESCAPES}"],
        ["migrate", "pack", "--out", f"{ESCAPES}"],
        ["migrate", "load", ESCAPES, "--to", ESCAPES],
        ["migrate", "verify", "--to", ESCAPES],
        ["migrate", "rehearse", ESCAPES],
    ],
    "image": [["image", "--engine", ESCAPES]],
    "doctor": [["doctor"]],
    "completion": [["completion", "bash"], ["completion", ESCAPES]],
    "help": [["help"], ["help", ESCAPES]],
}
"""Every command, with hostile names in what it shows and as its arguments where it takes any."""


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory, server_binary: Path) -> Iterator[Cli]:
    """A group with hostile names in its channels and readers, after a failover."""
    folder = tmp_path_factory.mktemp("terminal")
    env = {"STANLOCAL_ENGINE": "process", "STANLOCAL_SERVER_BINARY": str(server_binary)}
    cli = Cli(folder, env=env, group=f"screen-{secrets.token_hex(4)}")
    try:
        cli.ok("up")
        cli.ok("pub", CHANNEL, ESCAPES, ESCAPES)
        for kind in (("--durable", ESCAPES), ("--durable", "d", "--queue", f"q{ESCAPES}")):
            cli.ok("sub", CHANNEL, "--all", *kind, "--count", "1")
        cli.ok("kill", "@active")
        cli.ok("up")
        yield cli
    finally:
        cli.run("down", "--purge", "--yes", "--timeout", "0")


def on_terminal(cli: Cli, *arguments: str) -> str:
    """Return what the command sends to a terminal 80 cells wide, ended after at most half a minute."""
    ours, its = pty.openpty()
    env = {**cli.environment(), "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    with subprocess.Popen(
        cli.command(*arguments),
        cwd=cli.folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=its,
        stderr=its,
        start_new_session=True,
    ) as process:
        os.close(its)
        told = b""
        with suppress(OSError):  # the terminal's other end is closed with the process
            while chunk := os.read(ours, 65536):
                told += chunk
        os.close(ours)
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
    return told.decode()


def test_every_command_is_tried() -> None:
    assert set(COMMANDS) == set(app.list_commands(None))  # type: ignore[arg-type]


@pytest.mark.parametrize("command", [each for tried in COMMANDS.values() for each in tried], ids=repr)
def test_nothing_hostile_reaches_the_terminal(cli: Cli, command: list[str]) -> None:
    told = on_terminal(cli, *command)
    ours = "\t" if command[:2] == ["store", "dump"] else ""
    left = OURS.sub("", told).replace("\n", "").replace(ours, "")
    assert left.isprintable(), [c for c in left if not c.isprintable()]
    assert not re.search(r"^\[1\] forged", told, re.MULTILINE)
    assert "Traceback" not in told
    if command in (["channels"], ["subscriptions"], ["store"]):
        assert SHOWN in told


def test_into_a_pipe_and_as_json_the_data_is_as_it_was_written(cli: Cli) -> None:
    piped = cli.run("sub", CHANNEL, "--all", "--count", "1").stdout
    assert ESCAPES.replace("\r", "\n") in piped.replace("\r", "\n")
    (channel,) = [each["name"] for each in cli.json("channels")["channels"] if "vil" in each["name"]]
    assert channel == CHANNEL
    dumped = OURS.sub("", on_terminal(cli, "store", "dump", CHANNEL, "--json")).splitlines()
    first = [json.loads(line) for line in dumped[:2]]  # other tests may have published more
    assert [message["data"] for message in first] == [ESCAPES, ESCAPES]
    told = OURS.sub("", on_terminal(cli, "channels", "--json"))
    assert CHANNEL in [each["name"] for each in json.loads(told)["channels"]]
