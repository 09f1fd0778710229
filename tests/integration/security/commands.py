"""The commands that meet a protected group: the rows of the table in docs/security.md.

Each runs the command line in this process, or what the command does until Ctrl-C, and fails by an assertion.
"""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
from collections.abc import Callable, Collection, Mapping
from contextlib import aclosing, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stanlocal.api import FTGroup, core_of
from stanlocal.cli import app
from stanlocal.metrics.endpoint import opened
from stanlocal.monitor import pages
from stanlocal.outages.probe import CHANNEL as CHANNEL_OF_PROBE
from stanlocal.tui.widgets.data import DataPane
from stanlocal.tui.widgets.live_table import LiveTable
from tests.tui.conftest import running, until

CHANNEL = "orders"


@dataclass
class Meeting:
    """One group, and what was printed about it."""

    name: str
    folder: Path
    options: tuple[str, ...]
    """Login options of a command that knows only the URL of the group's servers."""
    scratch: Mapping[str, subprocess.Popen[str]]
    """Commands that bring up groups of their own; they run meanwhile."""
    printed: list[str] = field(default_factory=list)

    def run(self, *arguments: str, codes: Collection[int] = (0,)) -> str:
        """Run a command for the group; return its output, which is kept, too."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = app.run(["--group", self.name, *arguments])
        self.printed += [out.getvalue(), err.getvalue()]
        assert code in codes, f"exit {code}: {err.getvalue()}"
        return out.getvalue()

    def json(self, *arguments: str) -> Any:
        """Run a command; return the document that it prints."""
        return json.loads(self.run(*arguments, "--json"))

    def end_of(self, command: str) -> str:
        """Return what a command with a group of its own has printed, once it has succeeded."""
        out, err = self.scratch[command].communicate(timeout=60)
        self.printed += [out, err]
        assert self.scratch[command].returncode == 0, err
        return out

    def group(self) -> FTGroup:
        return FTGroup(group=self.name)


def _up(meeting: Meeting) -> None:
    """The group was brought up by its settings file; without it nothing changes."""
    before = meeting.json("status")["nodes"]
    after = meeting.json("up")["nodes"]
    assert [node["started_at"] for node in before] == [node["started_at"] for node in after]


def _status(meeting: Meeting) -> None:
    document = meeting.json("status")
    assert (document["state"], document["problem"]) == ("healthy", None)
    assert {node["state"] for node in document["nodes"]} == {"active", "standby"}


def _pub(meeting: Meeting) -> None:
    assert meeting.json("pub", CHANNEL, "one", "two")["acked"] == 2


def _sub(meeting: Meeting) -> None:
    lines = meeting.run("sub", CHANNEL, "--all", "--count", "2", "--timeout", "10", "--json").splitlines()
    assert [json.loads(line)["data"] for line in lines] == ["one", "two"]


_OPTIONS = {
    "NATS_USER": "--user",
    "NATS_PASSWORD_FILE": "--password-file",
    "NATS_CA": "--tls-ca",
    "NATS_CERT": "--tls-cert",
    "NATS_KEY": "--tls-key",
}
"""Login options by the variables of `env`."""


def _url(meeting: Meeting) -> None:
    """A command that knows nothing of the group, but its servers and a login."""
    env = meeting.json("env")
    options = list(meeting.options)
    for name, option in _OPTIONS.items():
        options += [option, env[name]] if name in env else []
    elsewhere = ("--url", env["NATS_URL"], "--cluster-id", env["STAN_CLUSTER_ID"], *options)
    assert meeting.json("pub", "by-url", "one", *elsewhere)["acked"] == 1
    line = meeting.run("sub", "by-url", "--all", "--count", "1", "--timeout", "10", "--json", *elsewhere)
    assert json.loads(line)["data"] == "one"


def _bench(meeting: Meeting) -> None:
    assert meeting.json("bench", "bench", "--subs", "1", "--count", "50")["deliver"]["messages"] == 50


def _channels(meeting: Meeting) -> None:
    assert CHANNEL in {each["name"] for each in meeting.json("channels")["channels"]}
    meeting.json("clients")
    meeting.json("subscriptions")


def _env(meeting: Meeting) -> None:
    assert meeting.json("env")["NATS_URL"]


def _doctor(meeting: Meeting) -> None:
    found = json.loads(meeting.run("doctor", "--json", codes=(0, 5)))  # 5: of other groups on the machine
    checks = {check["name"]: check for check in found["checks"]}
    assert checks["login"]["ok"], checks["login"]


def _config(meeting: Meeting) -> None:
    meeting.json("config", "show")
    meeting.run("config", "render")


def _metrics(meeting: Meeting) -> None:
    async def scrape() -> bytes:
        group = meeting.group()
        try:
            async with opened(await core_of(group), causes=()) as endpoint:
                return (await endpoint.answer(""))[0]
        finally:
            await group.close()

    text = asyncio.run(scrape()).decode()
    meeting.printed.append(text)
    assert f'nss_chan_msgs_total{{channel="{CHANNEL}"' in text


def _failovers(meeting: Meeting) -> None:
    """An outage is measured while the active is killed."""

    async def probe() -> None:
        group = meeting.group()
        try:
            async with asyncio.timeout(40), aclosing(group.probe()) as outages:
                killing = asyncio.ensure_future(_kill_once_probed(group))
                async for _ in outages:  # a busy machine may make one before the kill
                    failovers = await group.failovers()
                    if failovers and failovers[-1].outage_ms is not None:
                        break
                await killing
        finally:
            await group.close()

    asyncio.run(probe())
    assert meeting.json("failovers")["failovers"][-1]["outage_ms"] is not None


async def _kill_once_probed(group: FTGroup) -> None:
    """Kill the active node as soon as messages of the probe arrive."""
    look = await group.look()
    assert look.status.active is not None
    monitor = look.plan.monitor(look.plan.node(look.status.active))
    while CHANNEL_OF_PROBE not in {each["name"] for each in await pages.channels(monitor, 5)}:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    await (await group.kill("@active")).failover(timeout=20)


def _heal(meeting: Meeting) -> None:
    meeting.run("heal")
    meeting.run("wait", "--state", "healthy")


def _restart(meeting: Meeting) -> None:
    meeting.run("restart", "@standby")
    meeting.run("wait", "--state", "healthy")


def _drill_here(meeting: Meeting) -> None:
    reports = ("--html", "drill.html", "--junit", "drill.xml", "--ledger", "drill.ledger")
    verdict = meeting.json("drill", "kill-loop", "--kill-active", "1", "--here", *reports)
    assert verdict["ok"], verdict
    assert verdict["failovers"], verdict


def _drill(meeting: Meeting) -> None:
    assert json.loads(meeting.end_of("drill"))["ok"]


def _run(meeting: Meeting) -> None:
    """A client of the run's own measures outages meanwhile."""
    reports = ("--html", "run.html", "--junit", "run.xml")
    meeting.run("run", "--max-outage", "60", *reports, "--", "true")


def _gotcha(meeting: Meeting) -> None:
    assert json.loads(meeting.end_of("gotcha"))["lines"]


def _tui(meeting: Meeting) -> None:
    """The data pane shows what the active node's monitor says."""

    async def look() -> None:
        group = meeting.group()
        try:
            async with running(group) as pilot:
                await pilot.app.screen.run_action("pane(6)")
                table = pilot.app.screen.query_one(DataPane).query_one("#channels", LiveTable)
                await until(pilot, lambda: table.row_count > 0)
        finally:
            await group.close()

    asyncio.run(look())


def _connect(meeting: Meeting) -> None:
    """The Python API, and so the fixtures of the pytest plugin."""
    group = meeting.group().sync
    with group.connect("api") as client:
        client.publish(CHANNEL, b"three")
    group.close()


def _store(meeting: Meeting) -> None:
    meeting.json("store", "verify")
    meeting.run("store", "dump", CHANNEL)


def _logs(meeting: Meeting) -> None:
    meeting.run("logs", "--tail", "1000")
    meeting.run("events")


def _export(meeting: Meeting) -> None:
    for kind in ("compose", "kubernetes", "helm"):
        meeting.run("export", kind, "--output", f"export-{kind}")


def _down(meeting: Meeting) -> None:
    meeting.run("down", "--timeout", "0")
    meeting.run("store", "snapshot", "kept")
    assert meeting.json("status")["state"] == "down"


COMMANDS: Mapping[str, Callable[[Meeting], None]] = {
    "up, again": _up,
    "status": _status,
    "pub": _pub,
    "sub": _sub,
    "bench": _bench,
    "pub, sub --url": _url,
    "channels, clients, subscriptions": _channels,
    "env": _env,
    "doctor": _doctor,
    "config": _config,
    "metrics": _metrics,
    "tui": _tui,
    "FTGroup.connect, pytest fixtures": _connect,
    "failovers --probe, kill": _failovers,
    "heal": _heal,
    "restart": _restart,
    "drill --here": _drill_here,
    "run": _run,
    "drill": _drill,
    "gotcha": _gotcha,
    "store": _store,
    "logs, events": _logs,
    "export": _export,
    "down, store snapshot": _down,
}
"""Commands by their names, in the order in which they run."""
