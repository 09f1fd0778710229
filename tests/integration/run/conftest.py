"""The command line with a state folder of its own, and what a run has left of its groups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.own_runs import OwnRuns


@pytest.fixture
def runs(on_engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[OwnRuns]:
    """Runs of `stanlocal run`, none of which may leave anything."""
    client = request.getfixturevalue("docker_client") if on_engine == "docker" else None
    state = tmp_path / "state"
    runs = OwnRuns(Cli(tmp_path, {"XDG_STATE_HOME": str(state)}), state, client)
    yield runs
    assert runs.left() == {}
