"""The server version in the name of an official image."""

from __future__ import annotations

import re

_OFFICIAL = re.compile(
    r"(?:docker\.io/)?(?:(?!localhost/)[a-z0-9]+(?:[_-][a-z0-9]+)*/)?nats-streaming:(?P<version>\d+\.\d+\.\d+)"
    r"(?:-scratch|-linux)?"
)
"""Names on Docker Hub (another registry's has a dot or a port), without variants on other base images."""


def official_version(image: str) -> str | None:
    """Return the server version in the official image of that name; None for any other image."""
    found = _OFFICIAL.fullmatch(image)
    return found["version"] if found else None
