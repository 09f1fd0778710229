"""The budget of a command's start: modules that it loads, and requests that it sends to the engine.

Both decide how soon a command answers, and depend neither on the machine nor on what else runs there. Each
number is what is needed now and a few more: a command that needs another module may load it when it uses it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.recorded_docker_api import engine_with_a_group

_RUN = """
import atexit, http.client, json, os, sys

def report():
    with open("modules", "w") as file:
        json.dump(sorted(sys.modules), file)

def request(self, method, path, *arguments, **named):
    if not path.endswith("/_ping"):
        report()
        os._exit(0)
    return send(self, method, path, *arguments, **named)

atexit.register(report)
if sys.argv[1] == "until first request":
    send, http.client.HTTPConnection.request = http.client.HTTPConnection.request, request
from stanlocal.cli.app import run
sys.exit(run(sys.argv[2:]))
"""
_LOOK = {
    "docker",
    "requests",
    "urllib3",
    "nats",
    "google",
    "rich",
    "textual",
    "psutil",
    "yaml",
    "aiohttp",
} | {
    "lightkube",
    "httpx2",
    "msgspec",
}
"""Libraries that a command which looks once needs for nothing."""


class Start:
    """Starts commands against an engine that has the group `budget`."""

    def __init__(self, folder: Path, requests: list[str]) -> None:
        self._folder = folder
        self._requests = requests

    def modules(self, *arguments: str, until: str = "end") -> frozenset[str]:
        """Return the modules that the command has loaded at its end, or before its first request."""
        env = {"DOCKER_HOST": f"unix://{self._folder}/docker.sock", "XDG_STATE_HOME": f"{self._folder}/state"}
        subprocess.run(
            [sys.executable, "-c", _RUN, until, *arguments],
            cwd=self._folder,
            env=Cli(self._folder, env).environment(),
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return frozenset(json.loads((self._folder / "modules").read_text()))

    def requests(self, *arguments: str) -> Counter[str]:
        """Return how often the command sends which request; ids and names of nodes are left out."""
        self._requests.clear()
        self.modules("--group", "budget", *arguments)
        return Counter(path if path.count("/") < 3 else path.rpartition("/")[2] for path in self._requests)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    folder = tmp_path_factory.mktemp("b")
    with engine_with_a_group(folder / "docker.sock", "budget") as requests:
        yield Start(folder, requests)


def ours(modules: frozenset[str]) -> frozenset[str]:
    return frozenset(name for name in modules if name.partition(".")[0] == "stanlocal")


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_loads_hardly_more_than_click(start: Start, option: str) -> None:
    modules = start.modules(option)
    assert ours(modules) == {
        "stanlocal",
        "stanlocal.cli",
        "stanlocal.cli.app",
        "stanlocal.cli.context",
        "stanlocal.cli.printing",
        "stanlocal.util",
        "stanlocal.util.printable",
        "stanlocal.util.styled",
    }
    assert not modules & {*_LOOK, "asyncio", "unicodedata"}


@pytest.mark.parametrize(
    ("command", "most"),
    [("config show", 48), ("env", 92), ("list --json", 103), ("status --json", 100)],
)
def test_a_command_that_looks_loads_only_what_it_needs(start: Start, command: str, most: int) -> None:
    modules = start.modules("--group", "budget", *command.split())
    assert not modules & _LOOK
    assert len(ours(modules)) <= most, sorted(ours(modules))


@pytest.mark.parametrize(("command", "most"), [("status", 79), ("up", 118), ("down", 106)])
def test_the_first_request_is_sent_before_anything_else_is_loaded(
    start: Start, command: str, most: int
) -> None:
    modules = start.modules("--group", "budget", command, until="until first request")
    assert not modules & _LOOK
    assert len(ours(modules)) <= most, sorted(ours(modules))


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("env", {"/_ping": 1, "/containers/json": 1, "json": 2}),
        ("status", {"/_ping": 1, "/containers/json": 1, "json": 2, "logs": 2}),
        ("list", {"/_ping": 1, "/containers/json": 3, "/networks": 1, "json": 4, "logs": 2}),
    ],
)
def test_a_command_that_looks_sends_these_requests_and_no_more(
    start: Start, command: str, expected: dict[str, int]
) -> None:
    assert start.requests(command) == expected
