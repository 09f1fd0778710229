"""The core on a fake machine: a group's folder of its own, and requests as the API makes them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest

from stanlocal.engine.base import Engine
from stanlocal.errors import MonitorError
from stanlocal.group.core import Group, Look
from stanlocal.group.home import GroupHome
from stanlocal.lifecycle import up
from stanlocal.lifecycle.planner import UpRequest
from stanlocal.monitor.client import MonitorAnswer
from stanlocal.settings import Settings, load
from stanlocal.testing.fake.engine import FakeEngine
from stanlocal.testing.fake.machine import FakeMachine

NAME = "t"


class World:
    """The machine, state folder and stanlocal of a user."""

    def __init__(self, folder: Path, machine: FakeMachine) -> None:
        self.folder = folder
        self.machine = machine
        self.engine = FakeEngine(machine)
        self.home = GroupHome(folder / "stanlocal" / NAME)
        self.said: list[str] = []
        """Notes shown to users."""

    def group(self, engine: Engine | None = None) -> Group:
        """Return a tool as a process of its own would have it."""
        return Group(engine or self.engine, NAME, GroupHome(self.home.folder))

    def request(self, *, timeout: float = 5.0, recreate: bool = False, **flags: Any) -> UpRequest:
        def settings(existing: Mapping[str, Any] | None) -> Settings:
            return load({"group": NAME, **flags}, {}, None, self.folder, existing)

        async def ensure_image(settings: Settings) -> None:
            self.machine.missing_images.discard(settings.image)

        return UpRequest(
            settings=settings,
            ensure_image=ensure_image,
            user=f"{os.getuid()}:{os.getgid()}",
            timeout=timeout,
            recreate=recreate,
            report=self.said.append,
            note=self.said.append,
        )

    async def up(self, **flags: Any) -> Look:
        return await up.up(self.group(), self.request(**flags))

    @property
    def ids(self) -> dict[str, str]:
        """The container behind each node; another one after it was made again."""
        return {name: node.id for name, node in self.machine.nodes.items()}

    @property
    def starts(self) -> dict[str, object]:
        """Time of each node's last start."""
        return {name: node.started_at for name, node in self.machine.nodes.items()}

    @property
    def left(self) -> dict[str, list[str]]:
        """Return everything of any group, on the machine and in the state folder."""
        homes = self.home.folder.parent
        folders = [path.name for path in homes.iterdir()] if homes.exists() else []
        found = {"nodes": [*self.machine.nodes], "networks": [*self.machine.networks], "folders": folders}
        return {kind: names for kind, names in found.items() if names}


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    machine = FakeMachine()
    monkeypatch.setattr("stanlocal.group.observation.ask_role", _no_monitor)
    monkeypatch.setattr("stanlocal.monitor.group_findings.pages.channels", _no_channels)
    for user_of_ports in ("stanlocal.lifecycle.port_allocation", "stanlocal.lifecycle.planner"):
        monkeypatch.setattr(f"{user_of_ports}.is_free", lambda port, host="": True)
    yield World(tmp_path, machine)
    machine.shut_down()


async def _no_channels(monitor: object, timeout: float) -> NoReturn:
    """Answer as `_no_monitor` does."""
    raise MonitorError("nothing listens there", "refused")


async def _no_monitor(url: str, timeout: float) -> MonitorAnswer:
    """The fake's servers listen nowhere; what has their ports here is none of theirs."""
    return MonitorAnswer("refused")
