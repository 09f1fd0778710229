"""`tui --web` as users have it: a real group, a real browser."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, WebSocket, sync_playwright

from tests.conftest import unavailable
from tests.support.cli import Cli, interrupt

_ESCAPES = re.compile(r"\x1b\[[0-9;?<>=$]*[ -/]*[@-~]")
_TIMEOUT_S = 30.0


@pytest.fixture
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        unavailable("no chromium on PATH; on Debian 'apt-get install chromium'")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def up(tmp_path: Path, group_name: str, server_binary: Path) -> Iterator[Cli]:
    """The test's own group, as local processes."""
    env = {"STANLOCAL_ENGINE": "process", "STANLOCAL_SERVER_BINARY": str(server_binary)}
    cli = Cli(tmp_path, env, group_name)
    cli.ok("up")
    yield cli
    cli.ok("down", "--purge", "--yes", "--timeout", "0")


class Shown:
    """Everything that a page was sent to draw."""

    def __init__(self, page: Page) -> None:
        self._drawn = bytearray()
        self._page = page
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda data: self._drawn.extend(data if isinstance(data, bytes) else b""))

    def wait_for(self, text: str) -> None:
        self._wait(lambda: text in _ESCAPES.sub("", self._drawn.decode(errors="replace")), text)

    def _wait(self, reached: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + _TIMEOUT_S
        while not reached():
            assert time.monotonic() < end, f"{what!r} was not drawn"
            self._page.wait_for_timeout(20)


def test_the_page_shows_the_nodes_and_a_key_acts_for_whoever_has_the_address(
    up: Cli, browser: Browser
) -> None:
    with up.started("tui", "--web", "--json") as process:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["url"]
        page = browser.new_page(viewport={"width": 1100, "height": 700})

        refused = page.goto(re.sub(r"/[^/]+/$", "/", address))
        assert refused is not None
        assert refused.status == 403

        shown = Shown(page)
        page.goto(address)
        shown.wait_for(f"{up.group}-0")
        shown.wait_for(f"{up.group}-1")
        shown.wait_for("healthy")
        assert page.locator("body.-first-byte").count() == 1, "the page still shows its cover"

        active = up.json("status")["active"]
        page.keyboard.press("p")
        shown.wait_for("after this no node serves")
        page.keyboard.press("Y")
        up.ok("wait", "--state", "blocked", "--timeout", "20")
        assert [node["name"] for node in up.json("status")["nodes"] if node["paused"]] == [active]

        sessions = psutil.Process(process.pid).children(recursive=True)
        assert sessions
        assert not any(address.split("/")[3] in part for session in sessions for part in session.cmdline())
        code, _, said = interrupt(process)
        assert (code, said.splitlines()[-1]) == (130, "interrupted")
        assert not any(session.is_running() for session in sessions)


def test_no_session_outlives_a_server_that_was_killed(up: Cli, browser: Browser) -> None:
    with up.started("tui", "--web", "--json") as process:
        assert process.stdout is not None
        page = browser.new_page()
        shown = Shown(page)
        page.goto(json.loads(process.stdout.readline())["url"])
        shown.wait_for("healthy")
        sessions = psutil.Process(process.pid).children(recursive=True)
        assert sessions
        process.kill()
        _, left = psutil.wait_procs(sessions, timeout=_TIMEOUT_S)
        assert left == []
