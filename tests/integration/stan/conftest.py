"""One FT pair of server processes for these tests, a fresh channel for each, and clients that get closed."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stanlocal import stan
from tests.integration.stan.ft_processes import Group

Connect = Callable[..., Awaitable[stan.Client]]


@pytest.fixture(scope="session")
def group(server_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    """An FT pair that no test kills."""
    with Group(tmp_path_factory.mktemp("ft") / "group") as group:
        yield group


@pytest.fixture
def make_group(server_binary: Path, tmp_path: Path) -> Iterator[Callable[..., Group]]:
    """Makes groups of a test's own; stops what was started of them."""
    made: list[Group] = []

    def make(**options: Any) -> Group:
        made.append(Group(tmp_path / f"group-{len(made)}", **options))
        return made[-1]

    yield make
    for group in made:
        group.stop()


@pytest.fixture
def channel() -> str:
    """A channel that no other test uses."""
    return f"t.{secrets.token_hex(6)}"


@pytest.fixture
def client_id() -> str:
    """A client id that no other test uses."""
    return f"c-{secrets.token_hex(6)}"


@pytest.fixture
async def connect(group: Group) -> AsyncIterator[Connect]:
    """Connects clients, to the shared pair by default, and closes them after the test."""
    clients: list[stan.Client] = []

    async def connect(servers: Any = None, **options: Any) -> stan.Client:
        options.setdefault("cluster_id", group.cluster_id)
        options.setdefault("client_id", f"c-{secrets.token_hex(6)}")
        if "nats" not in options:
            servers = servers or group.urls
        clients.append(await stan.connect(servers, **options))
        return clients[-1]

    yield connect
    for client in clients:
        await client.close()


@pytest.fixture
async def client(connect: Connect) -> stan.Client:
    """A client of the shared pair."""
    return await connect()
