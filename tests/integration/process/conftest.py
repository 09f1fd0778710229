"""An engine of local processes over a folder of the test's own; nothing of it may be left afterwards."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from stanlocal.engine.process.engine import ProcessEngine
from tests.support.processes import processes_of


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A state home; processes that a failing test leaves there are ended."""
    folder = tmp_path / "state"
    folder.mkdir()
    yield folder
    for pid in processes_of(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
async def engine(home: Path) -> AsyncIterator[ProcessEngine]:
    engine = ProcessEngine(home)
    yield engine
    await engine.close()
