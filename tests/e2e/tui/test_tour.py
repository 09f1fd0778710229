"""`tour` as users have it: a real terminal or page, a real group, which is gone afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.tui.terminal import terminal
from tests.support.cli import Cli, interrupt
from tests.support.processes import processes_of
from tests.support.pseudo_terminal import on_terminal
from tests.tui.waiting import until

pytestmark = pytest.mark.server

_TIMEOUT_S = 60.0


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The state folder, in which no other test has groups."""
    return tmp_path / "state" / "stanlocal"


@pytest.fixture
def cli(tmp_path: Path, server_binary: Path) -> Cli:
    env = {
        "STANLOCAL_ENGINE": "process",
        "STANLOCAL_SERVER_BINARY": str(server_binary),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    return Cli(tmp_path, env)


def groups(state: Path) -> list[str]:
    """Names of the groups that have a folder."""
    return [path.name for path in state.glob("tour-*")]


def test_a_tour_is_left_and_resumed_and_its_groups_are_gone(cli: Cli, state: Path) -> None:
    """On the smallest screen, without colours."""
    environment = {**cli.environment(), "TERM": "xterm-256color", "NO_COLOR": "1"}
    with terminal(cli.command("tour"), env=environment, folder=cli.folder, columns=80, rows=24) as screen:
        name = screen.wait_for(r"(tour-\w+)-\d is active: it has the lock")[1]
        assert groups(state) == [name]
        screen.wait_for("7 Faults")
        screen.press("j")
        screen.wait_for("k would kill the standby now")
        screen.press("a")
        screen.wait_for("Done. g: kill the active node.")
        screen.press("q")
        screen.wait_end()
    assert groups(state) == []
    assert processes_of(state) == set()
    with terminal(cli.command("tour"), env=environment, folder=cli.folder, columns=80, rows=24) as screen:
        screen.wait_for("tour 2 of 7: kill the active node")
        screen.wait_for("Press k: the dialog says")
        screen.press("q")
        screen.wait_end()
    assert groups(state) == []


def test_what_a_killed_tour_leaves_is_removed_by_the_next_command(cli: Cli, state: Path) -> None:
    environment = {**cli.environment(), "TERM": "xterm-256color"}
    with on_terminal(cli.command("tour"), cli.folder, environment) as tour:
        tour.wait_for("Streaming Server is ready")
        tour.process.kill()
        tour.end()
        assert len(groups(state)) == 1
    cli.ok("down")
    assert groups(state) == []
    assert processes_of(state) == set()


def test_a_terminal_that_is_closed_takes_the_group_with_it(cli: Cli, state: Path) -> None:
    """Exit code 0, as for the terminal interface."""
    environment = {**cli.environment(), "TERM": "xterm-256color"}
    with on_terminal(cli.command("tour"), cli.folder, environment) as tour:
        tour.wait_for("Streaming Server is ready")
        tour.hang_up()
        assert tour.end() == 0
    assert groups(state) == []
    assert processes_of(state) == set()


@pytest.mark.timeout(180)
async def test_a_page_has_a_group_of_its_own_which_ends_with_it(cli: Cli, state: Path) -> None:
    with cli.started("tour", "--lesson", "2", "--web", "--json") as process:
        assert process.stdout is not None
        address: str = json.loads(process.stdout.readline())["url"]
        origin = address[: address.index("/", len("http://"))]
        async with aiohttp.ClientSession() as http:
            socket = f"{address}ws?width=80&height=24"
            async with http.ws_connect(socket, origin=origin, timeout=_close_timeout()) as page:
                drawn = bytearray()
                await _until_drawn(page, drawn, lambda: b"the dialog says" in drawn)
                assert len(groups(state)) == 1
            await until(lambda: groups(state) == [], timeout=_TIMEOUT_S)
        assert processes_of(state) == set()
        assert interrupt(process)[0] == 130


def _close_timeout() -> aiohttp.ClientWSTimeout:
    return aiohttp.ClientWSTimeout(ws_close=_TIMEOUT_S)


async def _until_drawn(
    page: aiohttp.ClientWebSocketResponse, drawn: bytearray, reached: Callable[[], bool]
) -> None:
    while not reached():
        drawn += await page.receive_bytes(timeout=_TIMEOUT_S)
