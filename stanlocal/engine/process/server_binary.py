"""The executable of a node's process: the configured one, one on PATH, or one that Go builds."""

from __future__ import annotations

from pathlib import Path

from stanlocal.engine.artifacts.attempts import first_success
from stanlocal.engine.artifacts.binary import check_version, find_binary, host_platform
from stanlocal.engine.artifacts.go_build import build_with_go, kept_server
from stanlocal.engine.artifacts.image_name import official_version
from stanlocal.engine.base import Progress
from stanlocal.errors import ImageNotFound


async def find_server(image: str, chosen: Path | None, progress: Progress) -> Path:
    """Return the server of the version that `image` names.

    If `chosen` is given, no other is tried; its version is checked only for an official image. Raises
    `ImageNotFound`, whose `attempts` give the reason why each source failed.
    """
    version = official_version(image)
    if chosen is not None:
        return await _checked(chosen, version)
    if version is None:
        raise ImageNotFound(
            f"cannot run the image {image} without Docker: it is not an official one, so its server's "
            "version is unknown; set STANLOCAL_SERVER_BINARY to an executable"
        )
    kept = kept_server(version, host_platform())
    if kept.exists():  # before PATH: its version is known
        return kept
    return await first_success(
        [lambda: _checked(None, version), lambda: build_with_go(version, host_platform(), progress)],
        progress,
        lambda reasons: (
            f"no nats-streaming-server {version} found: {reasons}; install Go, or set STANLOCAL_SERVER_BINARY"
        ),
    )


async def _checked(chosen: Path | None, version: str | None) -> Path:
    binary = find_binary(chosen)
    if version is not None:
        await check_version(binary, version)
    return binary
