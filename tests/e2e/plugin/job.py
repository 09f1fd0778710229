"""A project's tests in a container of their own, as a CI runner runs them."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

from tests.e2e.plugin.project import Project, Ran
from tests.support.cli import ROOT
from tests.support.ports import of_the_module

SOCKET = "/var/run/docker.sock"
_SYSTEM = ("/bin", "/etc", "/lib", "/lib64", "/usr")
"""With these of the host an empty image is as good as one with Python, and no registry is needed."""
FAILS_OVER = """
    import json, pathlib

    def test_it(stan_group, stan_sync_client, stan_channel):
        document = stan_group.sync.document()
        pathlib.Path("document.json").write_text(json.dumps(document))
        stan_sync_client.publish(stan_channel, b"1")
        with stan_group.sync.during_failover():
            stan_sync_client.publish(stan_channel, b"2")
"""
"""Leaves the group document that it saw."""


@dataclass(frozen=True, slots=True)
class JobRan(Ran):
    """What came of a run in a container."""

    gateway: str
    """The gateway of the container's network; empty with the host's network.

    The container says it, not the network: the document of the network `bridge` of a daemon that was started
    for the first time has none.
    """


@dataclass(frozen=True, slots=True)
class Job:
    """Has the project's folder, and of the host what it needs to run Python."""

    client: docker.DockerClient
    image: str
    project: Project

    def run(
        self, *shared: str | Path, network: str = "bridge", hosts: Mapping[str, str] | None = None, **env: str
    ) -> JobRan:
        """Pytest; `shared` files and folders of the host are under the same paths in the container."""
        project, interpreter = self.project, Path(sys.executable)
        read = {*_SYSTEM, str(ROOT), str(interpreter.resolve().parents[1]), str(interpreter.parents[1])}
        written = {str(project.folder), *map(str, shared)}
        binds = [f"{path}:{path}:ro" for path in sorted(read) if Path(path).exists()]
        environment = {
            "XDG_STATE_HOME": str(project.state_home),
            "HOME": str(project.folder),
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
        }
        container = self.client.containers.create(
            self.image,
            project.command("--stan-engine=docker"),
            network_mode=network,
            extra_hosts=dict(hosts or {}),
            working_dir=str(project.folder),
            environment={**environment, **of_the_module(), **env},
            volumes=[*binds, *(f"{path}:{path}" for path in sorted(written))],
        )
        try:
            container.start()
            container.reload()
            gateway: str = container.attrs["NetworkSettings"]["Networks"][network]["Gateway"]
            code = container.wait(timeout=100)["StatusCode"]
            return JobRan(code, container.logs().decode(), project.outcomes(), gateway)
        finally:
            container.remove(force=True)

    def document(self) -> Any:
        """The group document that the test saw."""
        return json.loads((self.project.folder / "document.json").read_text())
