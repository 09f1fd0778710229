"""Fixtures for every kind of test: an engine, a server binary, names and folders of one's own."""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from hypothesis import settings

from stanlocal.engine.docker import endpoint
from stanlocal.errors import EngineUnavailable
from stanlocal.settings.tool_options import DEFAULT_IMAGE
from tests.kubernetes.cluster.layout import Paths
from tests.support.binary import find_server
from tests.support.effort import inputs
from tests.support.ports import groups_in_a_block

if TYPE_CHECKING:
    import docker

pytest_plugins = ("tests.kubernetes.real_cluster",)

TESTS = Path(__file__).parent
_WITH_REAL_GROUPS = {"e2e", "examples", "integration"}

# Looking for cycles as often as Python does by itself takes a quarter of what tests of the screens take.
gc.set_threshold(50_000, 20, 20)

# An example takes as long as the machine lets it: other tests run beside it.
settings.register_profile("stanlocal", deadline=None, max_examples=inputs(100))
settings.load_profile("stanlocal")

# A shell that starts the tests in its background has them ignore Ctrl-C, and so all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
# `nohup` and some CI runners have them ignore a hangup.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests of the cluster where none is up. With CI=true they fail instead, with the reason."""
    if os.environ.get("CI") == "true" or os.access(Paths().kubeconfig(), os.R_OK):
        return
    left_out = [item for item in items if item.get_closest_marker("cluster")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("cluster")]


def pytest_collection_finish() -> None:
    """Exempt from the search for cycles what is there for the whole run: modules, and thousands of tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _isolated_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test sees the user's settings, or leaves anything in the user's state folder.

    The cache folder stays the user's: it holds the server binary, which takes a minute to build.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("STANLOCAL_")]:
            patch.delenv(name)
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(scope="module", autouse=True)
def _ports_of_the_module(request: pytest.FixtureRequest) -> Iterator[None]:
    """Lets the real groups of a module have ports that no other test's have, running or down."""
    if request.path.relative_to(TESTS).parts[0] not in _WITH_REAL_GROUPS:
        yield
        return
    with groups_in_a_block():
        yield


@pytest.fixture(scope="session")
def state_home() -> Path:
    """The XDG state home of this test session."""
    return Path(os.environ["XDG_STATE_HOME"])


@pytest.fixture(scope="session")
def docker_client() -> Iterator[docker.DockerClient]:
    """A client of the Docker Engine; without one the test is skipped, and fails when CI=true."""
    try:
        client = endpoint.connect()
    except EngineUnavailable as err:
        unavailable(str(err))
    yield client
    client.close()


@pytest.fixture(scope="session")
def server_binary() -> Path:
    """The real server; without one the test is skipped, and fails when CI=true."""
    binary = find_server()
    if binary is None:
        unavailable("no nats-streaming-server; 'python -m tests.support.binary' builds one")
    return binary


@pytest.fixture(scope="session")
def server_image(docker_client: docker.DockerClient, request: pytest.FixtureRequest) -> str:
    """The default image, on the engine; made from `server_binary` when it is not there, never pulled."""
    from stanlocal.engine.artifacts.image import build_image, inspect_image

    async def ensure() -> None:
        if await inspect_image(docker_client, DEFAULT_IMAGE) is None:
            binary: Path = request.getfixturevalue("server_binary")
            await build_image(docker_client, DEFAULT_IMAGE, server_binary=binary, progress=lambda line: None)

    # In a thread, where there is no event loop of a test to get in the way of.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, ensure()).result()
    return DEFAULT_IMAGE


@pytest.fixture(autouse=True)
def _marked_docker_needs_an_engine(request: pytest.FixtureRequest) -> None:
    """Lets `@pytest.mark.docker` tests that do not ask for a client skip, or fail, like those that do."""
    if request.node.get_closest_marker("docker"):
        request.getfixturevalue("docker_client")


def unavailable(reason: str) -> NoReturn:
    """What a test needs is not there: a failure in CI, elsewhere a skip with the reason."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture
def group_name(request: pytest.FixtureRequest) -> Iterator[str]:
    """A name that no other group has; whatever a failing test left under it is removed."""
    name = f"t-{secrets.token_hex(4)}"
    uses_docker = "docker_client" in request.fixturenames or request.node.get_closest_marker("docker")
    client = request.getfixturevalue("docker_client") if uses_docker else None
    yield name
    if client is not None:
        _sweep(client, name)


def _sweep(client: docker.DockerClient, name: str) -> None:
    label = f"dev.stanlocal.group={name}"
    for container in client.containers.list(all=True, filters={"label": label}):
        container.remove(force=True, v=True)
    for network in client.networks.list(filters={"label": label}):
        network.remove()
