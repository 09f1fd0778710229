"""An engine that is stopped and started again, as at a reboot: `up` brings the same group back.

The engine is a second one with folders and a network of its own: the machine's is shared.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest

from stanlocal.engine.docker.ping import Answer, Target, probe
from stanlocal.settings.presets import DEFAULTS
from tests.support.cli import Cli

_NETWORK = ("unshare", "--net", "--mount")
_START_S = 60.0


def may_run() -> bool:
    """Whether there is a dockerd, and namespaces may be made."""
    if shutil.which("dockerd") is None:
        return False
    return subprocess.run([*_NETWORK, "true"], capture_output=True).returncode == 0


pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.skipif(
        os.geteuid() != 0 or not may_run(), reason="runs a dockerd, which takes root on Linux"
    ),
]


class Engine:
    """A dockerd that can be stopped and started."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.socket = folder / "docker.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        """Returns once it answers."""
        daemon = [
            "dockerd",
            *("--host", self.url, "--data-root", str(self._folder / "data")),
            *("--exec-root", str(self._folder / "exec"), "--pidfile", str(self._folder / "pid")),
        ]
        script = 'ip link set lo up; exec "$@"'
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([*_NETWORK, "sh", "-c", script, "sh", *daemon], stderr=log)
        deadline = time.monotonic() + _START_S
        while not isinstance(probe(Target(self.url), 1), Answer):
            assert self._process.poll() is None, self._said()
            assert time.monotonic() < deadline, self._said()
            time.sleep(0.05)  # nothing tells when a daemon begins to answer

    def _said(self) -> str:
        return (self._folder / "log").read_text("utf-8", "replace")[-2000:]

    def stop(self) -> None:
        """As systemd does it; the containers end with it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(60)
            self._process = None

    def inside(self) -> list[str]:
        """Runs a command in the engine's network, where its ports are published."""
        assert self._process is not None
        return ["nsenter", "--net", "--target", str(self._process.pid)]


@pytest.fixture
def engine(tmp_path: Path, docker_client: docker.DockerClient) -> Iterator[Engine]:
    """A second engine that has the server's image."""
    engine = Engine(tmp_path)
    try:
        engine.start()
        with closing(docker.DockerClient(base_url=engine.url, version="auto")) as client:
            client.images.load(b"".join(docker_client.images.get(str(DEFAULTS["image"])).save(named=True)))
        yield engine
    finally:
        engine.stop()


def test_up_after_a_restart_of_the_engine_brings_ports_and_store_back(
    engine: Engine, tmp_path: Path, group_name: str
) -> None:
    cli = Cli(tmp_path, env={"DOCKER_HOST": engine.url, "STANLOCAL_ENGINE": "docker"}, group=group_name)

    def stanlocal(*arguments: str) -> str:
        done = subprocess.run(
            [*engine.inside(), *cli.command(*arguments)],
            env=cli.environment(),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    before = json.loads(stanlocal("up", "--json"))
    stanlocal("pub", "orders", "kept")
    engine.stop()
    engine.start()
    stopped = json.loads(stanlocal("status", "--json"))
    assert stopped["state"] == "down"
    after = json.loads(stanlocal("up", "--json"))
    for name in ("client_urls", "monitor_urls", "store_dir"):
        assert after[name] == before[name]
    assert [node["container"] for node in after["nodes"]] == [node["container"] for node in before["nodes"]]
    assert "kept" in stanlocal("sub", "orders", "--all", "--count", "1", "--timeout", "10")
    stanlocal("down", "--purge", "--yes", "--timeout", "0")
