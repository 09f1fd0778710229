"""The server image: present in the engine, pulled, or made here.

Four sources are tried in order: the engine itself; a registry; a local executable, from which an image is
made; an executable that Go builds. Only official image names are made here, so that no other image is ever
replaced by a look-alike. The labels of an image made here name its source.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import docker
import docker.errors

from stanlocal.engine.artifacts.archive import Contents, server_contents, write_archive
from stanlocal.engine.artifacts.attempts import first_success
from stanlocal.engine.artifacts.binary import Platform, check_platform, check_version, find_binary
from stanlocal.engine.artifacts.go_build import build_with_go
from stanlocal.engine.artifacts.image_name import official_version
from stanlocal.engine.artifacts.pull import pull
from stanlocal.engine.base import Progress
from stanlocal.engine.docker.errors import translated
from stanlocal.errors import ImageNotFound
from stanlocal.util.temporary import temporary_file

Source = Literal["registry", "binary", "go", "unknown"]

ImageSource: TypeAlias = Callable[[], Awaitable["ImageOrigin"]]

_SOURCES: dict[str, Source] = {source: source for source in get_args(Source)}

SOURCE_LABEL = "dev.stanlocal.image.source"
VERSION_LABEL = "dev.stanlocal.image.server-version"

_VERSION_TAG = re.compile(r":v?(\d+\.\d+\.\d+)(?:-[\w.-]+)?$")


@dataclass(frozen=True, slots=True)
class ImageOrigin:
    """An image that the engine has, and its origin."""

    image: str
    id: str
    source: Source
    """`unknown`: loaded or built by another program."""
    version: str | None
    """Version of the server in it, from its labels or else its tag."""
    digest: str | None
    """Digest in the registry it was pulled from: `nats-streaming@sha256:…`."""
    size: int
    """Size in bytes."""


async def ensure_image(
    client: docker.DockerClient, image: str, *, server_binary: Path | None, progress: Progress
) -> ImageOrigin:
    """Provide `image` in the engine; `progress` gets a line for each slow step.

    Raises `ImageNotFound`, whose `attempts` give the reason why each source failed. Two calls at the same
    time do the work twice, and both succeed.
    """
    if origin := await inspect_image(client, image):
        return origin
    sources: list[ImageSource] = [lambda: pull_image(client, image, progress)]
    if official_version(image):
        sources += _local_sources(client, image, server_binary, progress)
    return await from_first_source(sources, image, progress)


async def build_image(
    client: docker.DockerClient, image: str, *, server_binary: Path | None, progress: Progress
) -> ImageOrigin:
    """Make `image` again from the local executable, else with Go; raises like `ensure_image`."""
    return await from_first_source(_local_sources(client, image, server_binary, progress), image, progress)


def _local_sources(
    client: docker.DockerClient, image: str, server_binary: Path | None, progress: Progress
) -> list[ImageSource]:
    return [
        lambda: build_from_binary(client, image, server_binary, progress),
        lambda: build_from_source(client, image, progress),
    ]


async def from_first_source(sources: Sequence[ImageSource], image: str, progress: Progress) -> ImageOrigin:
    """Return the image from the first source that has it; raises `ImageNotFound` with all reasons."""
    return await first_success(
        sources,
        progress,
        lambda reasons: f"no source has the image {image}: {reasons}; see 'stanlocal image --help'",
    )


async def pull_image(client: docker.DockerClient, image: str, progress: Progress) -> ImageOrigin:
    """Pull the image; raises `ImageNotFound` with the reason."""
    await pull(client, image, progress)
    return await _present(client, image)


async def build_from_binary(
    client: docker.DockerClient, image: str, server_binary: Path | None, progress: Progress
) -> ImageOrigin:
    """Make the image from `server_binary`, or the one on PATH; raises `ImageNotFound` with the reason."""
    version = _required_version(image)
    platform = await engine_platform(client)
    binary = find_binary(server_binary)
    check_platform(binary, platform)
    await check_version(binary, version)
    progress(f"making {image} from {binary}")
    return await load_binary(client, image, binary, platform, version, "binary")


async def build_from_source(client: docker.DockerClient, image: str, progress: Progress) -> ImageOrigin:
    """Make the image with Go; raises `ImageNotFound` with the reason."""
    version = _required_version(image)
    platform = await engine_platform(client)
    binary = await build_with_go(version, platform, progress)
    check_platform(binary, platform)
    progress(f"making {image} from {binary}")
    return await load_binary(client, image, binary, platform, version, "go")


def _required_version(image: str) -> str:
    version = official_version(image)
    if version is None:
        raise ImageNotFound("only images named like nats-streaming:0.25.6 can be made here")
    return version


async def engine_platform(client: docker.DockerClient) -> Platform:
    """Return the platform of the engine's containers, which may differ from this machine's."""
    with translated():
        version = await asyncio.to_thread(client.version)
    return Platform(version["Os"], version["Arch"])


async def load_binary(
    client: docker.DockerClient, image: str, binary: Path, platform: Platform, version: str, source: Source
) -> ImageOrigin:
    """Load an image that holds only the server `binary` into the engine."""
    return await load(client, image, server_contents(binary, server_labels(version, source)), platform)


def server_labels(version: str, source: Source) -> dict[str, str]:
    """Return the labels of a server image that is made here."""
    return {
        "org.opencontainers.image.title": "nats-streaming-server",
        "org.opencontainers.image.version": version,
        VERSION_LABEL: version,
        SOURCE_LABEL: source,
    }


async def load(
    client: docker.DockerClient, image: str, contents: Contents, platform: Platform
) -> ImageOrigin:
    """Load the image of these contents into the engine."""
    with temporary_file() as archive:
        await asyncio.to_thread(write_archive, archive, contents, image, platform)
        archive.seek(0)
        with translated():
            await asyncio.to_thread(client.images.load, archive)
    return await _present(client, image)


async def _present(client: docker.DockerClient, image: str) -> ImageOrigin:
    origin = await inspect_image(client, image)
    if origin is None:
        raise ImageNotFound(f"the engine does not have {image} although it reported no error")
    return origin


async def inspect_image(client: docker.DockerClient, image: str) -> ImageOrigin | None:
    """Return the engine's image of that name; None if it has none."""
    with translated():
        try:
            facts = await asyncio.to_thread(client.api.inspect_image, image)
        except docker.errors.ImageNotFound:
            return None
    return origin_of(image, facts)


def origin_of(image: str, facts: dict[str, Any]) -> ImageOrigin:
    """Parse the engine's description of an image."""
    labels = (facts.get("Config") or {}).get("Labels") or {}
    digests = facts.get("RepoDigests") or []
    source: Source = _SOURCES.get(labels.get(SOURCE_LABEL, ""), "registry" if digests else "unknown")
    tag = _VERSION_TAG.search(image)
    return ImageOrigin(
        image=image,
        id=facts["Id"],
        source=source,
        version=labels.get(VERSION_LABEL) or (tag[1] if tag else None),
        digest=digests[0] if digests else None,
        size=facts["Size"],
    )
