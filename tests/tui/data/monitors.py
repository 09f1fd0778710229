"""The monitors of a group's nodes, in memory."""

from __future__ import annotations

from typing import Any

import pytest

from stanlocal.errors import MonitorError
from stanlocal.monitor import pages
from tests.tui.data.samples import CHANNELS, CLIENTS


class FakeMonitors:
    """Answers in the place of all nodes; `asked` has the address of each look."""

    def __init__(self) -> None:
        self.channels = CHANNELS
        self.out_msgs = 100
        self.asked: list[str] = []
        self.silent = False

    def install(self, patch: pytest.MonkeyPatch) -> None:
        for what in ("channels", "clients", "server"):
            patch.setattr(pages, what, getattr(self, f"_{what}"))

    async def _channels(self, url: str, timeout: float) -> list[dict[str, Any]]:
        self.asked.append(url)
        if self.silent:
            raise MonitorError(f"no answer from {url} within {timeout:g} s", "silent")
        return self.channels

    async def _clients(self, url: str, timeout: float) -> list[dict[str, Any]]:
        return CLIENTS

    async def _server(self, url: str, timeout: float) -> dict[str, Any]:
        return {"out_msgs": self.out_msgs}


@pytest.fixture
def monitors(monkeypatch: pytest.MonkeyPatch) -> FakeMonitors:
    """Monitors in place of the real ones, for tests that import the fixture."""
    fake = FakeMonitors()
    fake.install(monkeypatch)
    return fake
