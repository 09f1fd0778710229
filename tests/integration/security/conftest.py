"""Groups with logins and certificates, on each real engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.ports import groups_in_a_block


@pytest.fixture(autouse=True)
def own_ports(on_engine: str) -> Iterator[int]:
    """Give the test's groups ports that no other group has had; the first one."""
    with groups_in_a_block() as first:
        yield first
