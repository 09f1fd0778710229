"""The command line for groups that are exported and imported."""

from __future__ import annotations

import json
import ssl
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
