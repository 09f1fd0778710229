"""Which executable a node's process runs: the one that was set, one on PATH, or one that Go builds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from stanlocal.engine.artifacts.binary import check_version, find_binary, host_platform
from stanlocal.engine.artifacts.go_build import build_with_go, kept_server
from stanlocal.engine.artifacts.image_name import official_version
from stanlocal.engine.base import Progress
from stanlocal.errors import ImageNotFound


async def find_server(image: str, chosen: Path | None, progress: Progress) -> Path:
    """The server of the version that `image` names.

    `chosen` counts alone where it is given, and may be of any version for an image of another's. Raises
    `ImageNotFound`, whose `attempts` say of each way why it did not lead there.
    """
    version = official_version(image)
    if chosen is not None:
        return await _checked(chosen, version)
    if version is None:
        raise ImageNotFound(
            f"no way to run the image {image} without Docker: it is not an official one, whose server "
            "could be had otherwise; set STANLOCAL_SERVER_BINARY to an executable"
        )
    kept = kept_server(version, host_platform())
    if kept.exists():  # before PATH: it has been checked
        return kept
    ways: list[Callable[[], Awaitable[Path]]] = [
        lambda: _checked(None, version),
        lambda: build_with_go(version, host_platform(), progress),
    ]
    attempts: list[str] = []
    for way in ways:
        try:
            return await way()
        except ImageNotFound as error:
            attempts.append(str(error))
            progress(attempts[-1])
    raise ImageNotFound(
        f"no way to nats-streaming-server {version}: {'; '.join(attempts)}; install Go, or set "
        "STANLOCAL_SERVER_BINARY",
        attempts,
    )


async def _checked(chosen: Path | None, version: str | None) -> Path:
    binary = find_binary(chosen)
    if version is not None:
        await check_version(binary, version)
    return binary
