"""Terminals that are closed while stanlocal runs on them: it ends in good order, as by SIGTERM."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import psutil
import pytest

from tests.support.cli import Cli
from tests.support.pseudo_terminal import on_terminal

pytestmark = pytest.mark.server


@pytest.fixture
def cli(tmp_path: Path, group_name: str, server_binary: Path) -> Iterator[Cli]:
    """The command line for a group of local processes."""
    env = {"STANLOCAL_ENGINE": "process", "STANLOCAL_SERVER_BINARY": str(server_binary), "TERM": "xterm"}
    cli = Cli(tmp_path, env, group_name)
    yield cli
    cli.ok("down", "--purge", "--yes", "--timeout", "0")


def test_an_attached_group_is_taken_down(cli: Cli) -> None:
    with on_terminal(cli.command("up", "--attach"), cli.folder, cli.environment()) as terminal:
        terminal.wait_for("showing what happens")
        terminal.hang_up()
        assert terminal.end() == 130
    assert cli.json("status")["state"] == "down"


def test_a_fault_that_is_to_last_is_healed(cli: Cli) -> None:
    cli.ok("up")
    command = cli.command("fault", "pause", "--for", "600")
    with on_terminal(command, cli.folder, cli.environment()) as terminal:
        cli.ok("wait", "--state", "blocked", "--timeout", "30")
        terminal.hang_up()
        assert terminal.end() == 130
    document = cli.json("status")
    assert (document["faults"], [node["paused"] for node in document["nodes"]]) == ([], [False, False])


def test_the_terminal_interface_ends_and_leaves_the_group(cli: Cli) -> None:
    """Exit code 0, as SIGTERM has it: to leave the interface is all that it does."""
    cli.ok("up")
    with on_terminal(cli.command("tui"), cli.folder, cli.environment()) as terminal:
        terminal.wait_for(f"{cli.group}-1")
        terminal.hang_up()
        assert terminal.end() == 0
    assert cli.json("status")["state"] == "healthy"


async def test_the_terminal_interface_for_a_browser_ends_with_the_process_of_each_page(cli: Cli) -> None:
    cli.ok("up")
    with on_terminal(cli.command("tui", "--web"), cli.folder, cli.environment()) as terminal:
        address = terminal.search(r"http://127\.0\.0\.1:\d+/\S+/")
        origin = address.rpartition("/")[0].rpartition("/")[0]
        server = psutil.Process(terminal.process.pid)
        async with (
            aiohttp.ClientSession() as browser,
            browser.ws_connect(f"{address}ws", headers={"Origin": origin}) as page,
        ):
            await page.receive(timeout=30)  # something is drawn
            children = server.children(recursive=True)
            assert children
            terminal.hang_up()
            assert await asyncio.to_thread(terminal.end) == 130
        assert not [child for child in children if child.is_running()]


def test_sighup_without_a_terminal_ends_what_follows(cli: Cli) -> None:
    cli.ok("up")
    with cli.started("events", "--follow", "--json") as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        assert process.wait(30) == 130
