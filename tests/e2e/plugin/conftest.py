"""Projects that use the plugin, which has to be installed: its entry point is part of what is tested."""

from __future__ import annotations

import io
import os
import signal
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.plugin.job import FAILS_OVER, Job
from tests.e2e.plugin.project import INI, Project
from tests.support.processes import processes_of

if TYPE_CHECKING:
    import docker


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


@pytest.fixture(scope="module")
def empty_image(
    docker_client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    content = io.BytesIO()
    tarfile.open(fileobj=content, mode="w").close()
    name = f"stanlocal-test-empty-{tmp_path_factory.getbasetemp().name}"
    docker_client.api.import_image_from_data(content.getvalue(), repository=name)
    yield name
    docker_client.images.remove(name)


@pytest.fixture
def job(project: Project, docker_client: docker.DockerClient, server_image: str, empty_image: str) -> Job:
    """Runs a test that fails over."""
    project.write("test_it.py", FAILS_OVER)
    project.state_home.mkdir()
    return Job(docker_client, empty_image, project)
