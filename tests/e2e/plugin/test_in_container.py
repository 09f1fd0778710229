"""The tool in a container that has the engine's socket: its nodes are the container's siblings."""

from __future__ import annotations

import io
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.e2e.plugin.project import Project
from tests.support.census import take
from tests.support.cli import ROOT

_SYSTEM = ("/bin", "/etc", "/lib", "/lib64", "/usr")
"""With these of the host an empty image is as good as one with Python, and no registry is needed."""
_TEST = """
    def test_it(stan_group, stan_client, stan_channel):
        stan_client.publish(stan_channel, b"1")
        with stan_group.sync.during_failover():
            stan_client.publish(stan_channel, b"2")
"""


@pytest.fixture
def empty_image(docker_client: docker.DockerClient, tmp_path: Path) -> Iterator[str]:
    content = io.BytesIO()
    tarfile.open(fileobj=content, mode="w").close()
    name = f"stanlocal-test-empty-{tmp_path.parent.name}"
    docker_client.api.import_image_from_data(content.getvalue(), repository=name)
    yield name
    docker_client.images.remove(name)


@pytest.mark.docker
def test_with_the_hosts_network_and_a_state_folder_that_the_engine_sees(
    project: Project, docker_client: docker.DockerClient, server_image: str, empty_image: str
) -> None:
    project.write("test_it.py", _TEST)
    project.state_home.mkdir()
    interpreter = Path(sys.executable)
    read = {*_SYSTEM, str(ROOT), str(interpreter.resolve().parents[1]), str(interpreter.parents[1])}
    written = ("/var/run/docker.sock", str(project.folder), str(project.state_home))
    binds = [f"{path}:{path}:ro" for path in sorted(read) if Path(path).exists()]
    container = docker_client.containers.create(
        empty_image,
        project.command("--stan-engine=docker"),
        network_mode="host",
        working_dir=str(project.folder),
        environment={
            "XDG_STATE_HOME": str(project.state_home),
            "HOME": str(project.folder),
            "PATH": "/usr/bin:/bin",
        },
        volumes=[*binds, *(f"{path}:{path}" for path in written)],
    )
    try:
        container.start()
        code = container.wait(timeout=100)["StatusCode"]
        text = container.logs().decode()
    finally:
        container.remove(force=True)
    assert (code, project.outcomes()) == (0, {"passed": 1}), text
    assert take(docker_client, state_home=project.state_home).folders == frozenset()
