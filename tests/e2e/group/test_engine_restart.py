"""An engine that ends and is started again, or its whole machine: `up` brings the same group back.

The engine is a second one with folders and a network of its own: the machine's is shared.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from stanlocal.settings.presets import DEFAULTS
from tests.support.cli import Cli
from tests.support.own_engine import OwnEngine, may_run, own_engine

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.skipif(not may_run(), reason="runs a dockerd, which takes root on Linux"),
]


@pytest.fixture
def engine(tmp_path: Path, docker_client: docker.DockerClient) -> Iterator[OwnEngine]:
    """A second engine that has the server's image."""
    with own_engine(tmp_path) as engine:
        engine.load(str(DEFAULTS["image"]), docker_client)
        yield engine


@pytest.mark.parametrize("end", [OwnEngine.stop, OwnEngine.crash], ids=["stop", "crash"])
def test_up_after_a_restart_of_the_engine_brings_ports_and_store_back(
    engine: OwnEngine, tmp_path: Path, group_name: str, end: Callable[[OwnEngine], None]
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
    end(engine)
    engine.start()
    stopped = json.loads(stanlocal("status", "--json"))
    assert stopped["state"] == "down"
    after = json.loads(stanlocal("up", "--json"))
    for name in ("client_urls", "monitor_urls", "store_dir"):
        assert after[name] == before[name]
    assert [node["container"] for node in after["nodes"]] == [node["container"] for node in before["nodes"]]
    assert "kept" in stanlocal("sub", "orders", "--all", "--count", "1", "--timeout", "10")
    stanlocal("down", "--purge", "--yes", "--timeout", "0")
