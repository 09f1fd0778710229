"""The tool in a container that has the engine's socket: its nodes are the container's siblings."""

from __future__ import annotations

import io
import json
import sys
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from tests.e2e.plugin.project import Project, Ran
from tests.support.census import take
from tests.support.cli import ROOT

pytestmark = pytest.mark.docker

_SYSTEM = ("/bin", "/etc", "/lib", "/lib64", "/usr")
"""With these of the host an empty image is as good as one with Python, and no registry is needed."""
_SOCKET = "/var/run/docker.sock"
_TEST = """
    import json, pathlib

    def test_it(stan_group, stan_client, stan_channel):
        document = stan_group.sync.document()
        pathlib.Path("document.json").write_text(json.dumps(document))
        stan_client.publish(stan_channel, b"1")
        with stan_group.sync.during_failover():
            stan_client.publish(stan_channel, b"2")
"""


@dataclass(frozen=True, slots=True)
class Job:
    """Runs a project's tests in a container, as a CI runner does."""

    client: docker.DockerClient
    image: str
    project: Project

    def run(
        self, *, share_state: bool, network: str = "bridge", hosts: Mapping[str, str] | None = None
    ) -> Ran:
        project, interpreter = self.project, Path(sys.executable)
        read = {*_SYSTEM, str(ROOT), str(interpreter.resolve().parents[1]), str(interpreter.parents[1])}
        written = {_SOCKET, str(project.folder)} | ({str(project.state_home)} if share_state else set())
        binds = [f"{path}:{path}:ro" for path in sorted(read) if Path(path).exists()]
        environment = {
            "XDG_STATE_HOME": str(project.state_home),
            "HOME": str(project.folder),
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            **{name: value for name, value in project.env.items() if name == "DOCKER_HOST"},
        }
        container = self.client.containers.create(
            self.image,
            project.command("--stan-engine=docker"),
            network_mode=network,
            extra_hosts=dict(hosts or {}),
            working_dir=str(project.folder),
            environment=environment,
            volumes=[*binds, *(f"{path}:{path}" for path in sorted(written))],
        )
        try:
            container.start()
            code = container.wait(timeout=100)["StatusCode"]
            return Ran(code, container.logs().decode(), project.outcomes())
        finally:
            container.remove(force=True)

    def document(self) -> dict[str, object]:
        """The group document that the test saw."""
        found: dict[str, object] = json.loads((self.project.folder / "document.json").read_text())
        return found


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
    project.write("test_it.py", _TEST)
    project.state_home.mkdir()
    return Job(docker_client, empty_image, project)


def _left(job: Job, document: dict[str, object]) -> frozenset[str]:
    found = take(job.client, state_home=job.project.state_home, prefix=str(document["group"]))
    return found.containers | found.networks | found.volumes | found.folders


def test_with_the_hosts_network_ports_are_on_the_loopback(job: Job) -> None:
    ran = job.run(share_state=True, network="host")
    assert (ran.code, ran.outcomes) == (0, {"passed": 1}), ran.text
    document = job.document()
    assert all(url.startswith("nats://127.0.0.1:") for url in _urls(document))
    assert not _left(job, document)


@pytest.mark.parametrize("share_state", [True, False], ids=["shared-folders", "volumes"])
def test_in_a_network_of_its_own_ports_are_on_its_gateway(job: Job, share_state: bool) -> None:
    ran = job.run(share_state=share_state)
    assert (ran.code, ran.outcomes) == (0, {"passed": 1}), ran.text
    document = job.document()
    gateway = job.client.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"]
    assert all(url.startswith(f"nats://{gateway}:") for url in _urls(document))
    where = str(job.project.state_home) if share_state else f"{document['group']}-store:"
    assert str(document["store_dir"]).startswith(where)
    assert not _left(job, document)


def _urls(document: dict[str, object]) -> list[str]:
    urls = document["client_urls"]
    assert isinstance(urls, list)
    return urls
