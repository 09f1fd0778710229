"""Which version of the server an image's name stands for."""

from __future__ import annotations

import re

_OFFICIAL = re.compile(
    r"(?:docker\.io/)?(?:(?!localhost/)[a-z0-9]+(?:[_-][a-z0-9]+)*/)?nats-streaming:(?P<version>\d+\.\d+\.\d+)"
    r"(?:-scratch|-linux)?"
)
"""Names on Docker Hub only (another registry's has a dot or a port), and of the variant made from scratch."""


def official_version(image: str) -> str | None:
    """The version of the server in the official image of that name; None for any other image."""
    found = _OFFICIAL.fullmatch(image)
    return found["version"] if found else None
