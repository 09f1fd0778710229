"""Fixtures of the integration tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import unavailable
from tests.support.servers import NAME, find_server


@pytest.fixture(scope="session")
def server_binary() -> Path:
    """The real server; without one the test is skipped, and fails when CI=true."""
    binary = find_server()
    if binary is None:
        unavailable(f"no {NAME}: set STANLOCAL_SERVER_BINARY or go install it")
    return binary
