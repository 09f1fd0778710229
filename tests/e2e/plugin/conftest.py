"""Projects that use the plugin, which has to be installed: its entry point is part of what is tested."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.plugin.project import INI, Project
from tests.support.processes import processes_of


@pytest.fixture
def project(tmp_path: Path, server_binary: Path) -> Iterator[Project]:
    """A project whose runs leave neither groups nor processes behind, whatever becomes of them."""
    folder = tmp_path / "project"
    state_home = tmp_path / "state"
    path = f"{server_binary.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    project = Project(folder, state_home, environment)
    project.write("pytest.ini", INI.format(asyncio_mode="auto"))
    yield project
    left = processes_of(state_home)
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert (project.groups, left) == ([], set())
