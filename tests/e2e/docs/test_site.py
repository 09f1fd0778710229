"""The built site of the documentation, in a real browser."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.conftest import unavailable
from tests.support.pages import ROOT


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: pytest shows what the browser does."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The site as it is built, and its address."""
    folder = tmp_path_factory.mktemp("site")
    script = (sys.executable, str(ROOT / "scripts" / "docs"), "--output", str(folder))
    done = subprocess.run(script, cwd=folder, capture_output=True, text=True, timeout=110)
    assert (done.returncode, done.stderr) == (0, "")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def page() -> Iterator[Page]:
    chromium = shutil.which("chromium")
    if chromium is None:
        unavailable("no chromium on PATH; on Debian 'apt-get install chromium'")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


def test_a_server_s_line_is_found_and_nothing_is_fetched_from_elsewhere(site: str, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site}index.html", wait_until="networkidle")  # the search's own scripts are there then
    words = page.locator("[data-md-component=search-query]")
    words.click()
    words.press_sequentially("unable to get store lock at this time")
    found = page.locator(".md-search-result__item:has-text('Troubleshooting') a")
    for _ in range(60):
        if found.count():
            break
        page.wait_for_timeout(1000)
        words.press("End")  # it listens to keys, and may not have been ready for those before
    found.first.click()
    page.wait_for_url("**/troubleshooting.html**")
    page.goto(f"{site}reference/python/group.html")
    page.wait_for_load_state("networkidle")
    assert any("search_index" in url for url in asked)
    assert [url for url in asked if not url.startswith(site)] == []


def test_the_moving_picture_moves(site: str, page: Page) -> None:
    page.goto(f"{site}images/failover.svg")
    moving = page.evaluate("document.getAnimations().length")
    page.emulate_media(reduced_motion="reduce")
    assert moving > 0
    assert page.evaluate("document.getAnimations().length") == 0
