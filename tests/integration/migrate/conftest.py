"""A JetStream server, and a store that a real STAN server wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.migrate.real_store import make_real_store
from tests.support.jetstream import JetStreamServer, running_jetstream


@pytest.fixture
def jetstream(jetstream_binary: Path, tmp_path: Path) -> Iterator[JetStreamServer]:
    """A server without streams."""
    with running_jetstream(jetstream_binary, tmp_path / "jetstream") as server:
        yield server


@pytest.fixture(scope="session")
def real_store(server_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with holes in its durables, written by nats-streaming-server; no test writes to it."""
    return make_real_store(server_binary, tmp_path_factory.mktemp("stan"))
