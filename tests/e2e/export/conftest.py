"""The command line for groups that are exported and imported."""

from __future__ import annotations

import json
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path

import docker
import pytest

from tests.support.census import NOTHING, Left
from tests.support.cli import Cli

_DEADLINE_S = 30.0
_POLL_S = 0.05


@pytest.fixture
def cli(
    group_name: str, tmp_path: Path, docker_client: docker.DockerClient, state_home: Path
) -> Iterator[Cli]:
    """The command line for the test's own group, of which nothing is left at the end."""
    made = Cli(tmp_path, group=group_name)
    yield made
    made.ok("down", "--purge", "--yes", "--timeout", "0")
    assert Left(docker_client, state_home, group_name).census() == NOTHING


def make_secrets(folder: Path, secret: str) -> Path:
    """Make certificates and secrets as the first lines of a compose.yaml say; the folder that they are in."""
    text = (folder / "compose.yaml").read_text()
    comments = [line.removeprefix("#   ") for line in text.splitlines() if line.startswith("#   ")]
    begin = next(at for at, line in enumerate(comments) if line.startswith("NAMES="))
    end = next(at for at, line in enumerate(comments) if line.startswith("cp "))
    make = next(line for line in comments if line.startswith("mkdir -m 700"))
    script = "\n".join([make, *comments[begin : end + 1]])
    subprocess.run(["bash", "-ec", script], cwd=folder, check=True, capture_output=True)
    escaped = secret.replace("\\", "\\\\").replace('"', '\\"')
    names = [line.partition(":")[0] for line in comments if ': "…"' in line]
    (folder / "secrets" / "stan.conf").write_text("".join(f'{name}: "{escaped}"\n' for name in names))
    return folder / "secrets"


def wait_for_standby(monitor: str) -> None:
    """Return once the node at this monitor is standby."""
    deadline = time.monotonic() + _DEADLINE_S
    while _state(monitor, None) != "FT_STANDBY":
        if time.monotonic() > deadline:
            pytest.fail(f"{monitor} is no standby after {_DEADLINE_S} s")
        time.sleep(_POLL_S)


def wait_for_active(monitors: Iterable[str], tls: ssl.SSLContext | None = None) -> str:
    """The monitor URL of the one node that is active, once there is one."""
    deadline = time.monotonic() + _DEADLINE_S
    while time.monotonic() < deadline:
        active = [url for url in monitors if _state(url, tls) == "FT_ACTIVE"]
        if len(active) == 1:
            return active[0]
        time.sleep(_POLL_S)
    pytest.fail(f"no single node is active after {_DEADLINE_S} s")


def _state(url: str, tls: ssl.SSLContext | None) -> str | None:
    """Return what the node reports about itself; None if it does not answer."""
    try:
        with urllib.request.urlopen(f"{url}/streaming/serverz", timeout=2, context=tls) as answer:
            return str(json.load(answer)["state"])
    except (urllib.error.URLError, OSError, ValueError):
        return None
