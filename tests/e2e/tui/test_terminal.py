"""The terminal interface as users have it: a real terminal, a real group."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.tui.terminal import Terminal, terminal
from tests.support.cli import Cli

pytestmark = pytest.mark.docker

MESSAGES = 1_500
RATE = 100
"""A second: a failover is well within what takes 15 s."""

LIVE_MS = 250
"""The screen times a fault as it is seen to hit, the command as the logs tell it in hindsight."""


@pytest.fixture
def cli(tmp_path: Path, group_name: str, server_image: str) -> Iterator[Cli]:
    cli = Cli(tmp_path, group=group_name)
    yield cli
    cli.ok("down", "--purge", "--yes", "--timeout", "0")


@pytest.fixture
def screen(cli: Cli) -> Iterator[Terminal]:
    environment = {**cli.environment(), "TERM": "xterm-256color"}
    with terminal(cli.command("tui"), env=environment, folder=cli.folder, columns=120, rows=40) as screen:
        yield screen


@pytest.mark.timeout(400)
def test_a_failover_is_brought_about_and_watched_without_leaving_the_screen(
    screen: Terminal, cli: Cli, group_name: str
) -> None:
    """Start without a group: up, publish, subscribe, kill the active, takeover, outage, no loss, heal."""
    screen.wait_for(r"start the group\?")
    screen.press("Enter")
    first = screen.wait_for(rf"{group_name}: healthy, (\S+) is active", timeout=90)[1]
    (second,) = {f"{group_name}-0", f"{group_name}-1"} - {first}
    screen.wait_for("7 Faults")
    screen.wait_while(r"start the group\?")

    open_pane(screen, "3", "FROM")
    screen.press("n")
    screen.wait_for("esc Leave the form")
    screen.press("Enter")
    screen.wait_for(r"orders +open +0 ")
    screen.wait_while("esc Leave the form")

    open_pane(screen, "2", "ACKED")
    screen.press("n")
    screen.wait_for("esc Leave the form")
    screen.move("Tab")
    screen.move("Tab")
    screen.press("C-u")
    screen.wait_for("until stopped")
    screen.press(str(MESSAGES))
    screen.wait_for(f"pub orders --count {MESSAGES}")
    screen.move("Tab")
    screen.press(str(RATE))
    screen.wait_for(f"pub orders --count {MESSAGES} --rate {RATE}")
    screen.press("Enter")
    screen.wait_for(r"orders +\S+ +[1-9]\d* +[1-9]\d*")
    screen.wait_while("esc Leave the form")

    screen.press("k")
    screen.wait_for(rf"kill {first}\?")
    screen.wait_for(f"failover: {second} takes the store lock")
    screen.press("k")
    screen.wait_for(f"{group_name}: degraded, {second} is active")
    screen.wait_for("as expected")
    screen.wait_for(rf"orders +done +{MESSAGES:,} +{MESSAGES:,} +0 ", timeout=90)

    open_pane(screen, "3", "FROM")
    got = screen.wait_for(rf"orders +open +({MESSAGES:,}|\d+,\d+) +{MESSAGES:,} +(\d+) +(\d+) ", timeout=90)
    assert got[3] == "0", f"messages are missing: {got[0]}"

    open_pane(screen, "4", "CAUSE")
    # Long names are cut at the left, so that the phases have room.
    nodes = rf"\S*{first[-2:]} → \S*{second[-2:]}"
    row = screen.wait_for(rf"kill +{nodes} +[\d,]+ +(?P<outage>[\d,]+) ")
    felt = cli.json("failovers")["failovers"][-1]["outage_ms"]
    assert int(row["outage"].replace(",", "")) == pytest.approx(felt, abs=LIVE_MS)

    screen.press("S")
    screen.wait_for(f"{group_name}: healthy, {second} is active")
    screen.wait_for(rf"{first} [^▸]*standby since")
    screen.press("q")
    screen.wait_end()
    assert cli.json("status")["state"] == "healthy"
    read = cli.ok("sub", "orders", "--all", "--count", str(MESSAGES), "--json").splitlines()
    assert len(read) == MESSAGES


def open_pane(screen: Terminal, key: str, head: str) -> None:
    screen.press(key)
    screen.wait_for(head)
    screen.wait_for("y Copy")
