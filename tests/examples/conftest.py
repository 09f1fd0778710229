"""The examples use the plugin as anybody does; only the server's image is made, not pulled."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def _image(server_image: str) -> None:
    """Before a group is asked for."""
