"""Choice of a test's engine: the same test runs on each real one; and a server of today's NATS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import unavailable
from tests.support.jetstream import find_jetstream


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("docker", marks=pytest.mark.docker),
        pytest.param("process", marks=pytest.mark.server),
    ],
)
def on_engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """The engine that groups and commands of the test take, whichever way they are made."""
    name: str = request.param
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STANLOCAL_ENGINE", name)
        if name == "docker":
            request.getfixturevalue("server_image")
        else:
            binary: Path = request.getfixturevalue("server_binary")
            patch.setenv("STANLOCAL_SERVER_BINARY", str(binary))
        yield name


@pytest.fixture(autouse=True)
def _only_where_it_makes_sense(request: pytest.FixtureRequest) -> None:
    """Skips `@pytest.mark.only_on(engine, reason)` tests on the other engine, with the reason."""
    marker = request.node.get_closest_marker("only_on")
    if marker is not None and request.getfixturevalue("on_engine") != marker.args[0]:
        pytest.skip(marker.args[1])


@pytest.fixture(scope="session")
def jetstream_binary() -> Path:
    """The real nats-server; without one the test is skipped, and fails when CI=true."""
    binary = find_jetstream()
    if binary is None:
        unavailable("no nats-server; 'python -m tests.support.jetstream' builds one")
    return binary
