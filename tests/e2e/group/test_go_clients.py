"""Programs that no one here wrote publish to the group and read from it, over a failover too."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import unavailable
from tests.support.cli import Cli
from tests.support.gotools import find_tool

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def tool() -> Callable[[str], Path]:
    """Return the path of one of stan.go's examples."""

    def find(name: str) -> Path:
        found = find_tool(name)
        if found is None:
            unavailable(f"no {name} and no Go to build it with")
        return found

    return find


def publish(program: Path, url: str, message: str) -> None:
    """Use one URL only, so that the client cannot look for another node itself."""
    done = subprocess.run(
        [program, "-s", url, "-c", "test-cluster", "-id", "go-pub", "orders", message],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 0, done.stderr
    assert f"Published [orders] : '{message}'" in done.stderr + done.stdout


def read_all(program: Path, url: str, count: int) -> list[str]:
    """The first messages of the channel, from its beginning."""
    command = [str(program), "-s", url, "-c", "test-cluster", "-id", "go-sub", "--all", "orders"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        found: list[str] = []
        for line in process.stdout:
            if data := re.search(r'data:"(.*?)"', line):
                found.append(data[1])
            if len(found) == count:
                break
        process.terminate()
    return found


def test_stan_go_publishes_and_reads_on_either_nodes_url_over_a_failover(
    up: Cli, tool: Callable[[str], Path]
) -> None:
    """The standby's port too: its NATS server carries requests to whichever node is active."""
    first, second = up.json("status")["client_urls"]
    publish(tool("stan-pub"), first, "one")
    publish(tool("stan-pub"), second, "two")
    assert read_all(tool("stan-sub"), second, 2) == ["one", "two"]
    up.ok("kill", "@active")
    assert up.json("wait", "--state", "degraded", "--timeout", "20")["active"] == f"{up.group}-1"
    publish(tool("stan-pub"), second, "three")
    assert read_all(tool("stan-sub"), second, 3) == ["one", "two", "three"]
    up.ok("up")
    publish(tool("stan-pub"), first, "four")
    assert read_all(tool("stan-sub"), first, 4) == ["one", "two", "three", "four"]
