"""The image of a JetStream server: present in the engine, pulled, or made from what Go builds."""

from __future__ import annotations

import docker

from stanlocal.engine.artifacts.archive import Contents
from stanlocal.engine.artifacts.go_build import JETSTREAM_NAME, JETSTREAM_VERSION, build, jetstream_server
from stanlocal.engine.artifacts.image import (
    SOURCE_LABEL,
    ImageOrigin,
    engine_platform,
    from_first_source,
    inspect_image,
    load,
    pull_image,
)
from stanlocal.engine.base import Progress

IMAGE = "nats:2.15"
CLIENT_PORT = 4222


async def ensure_jetstream_image(client: docker.DockerClient, progress: Progress) -> ImageOrigin:
    """Provide the image in the engine; raises like `image.ensure_image`."""
    if origin := await inspect_image(client, IMAGE):
        return origin
    return await from_first_source(
        [lambda: pull_image(client, IMAGE, progress), lambda: _build(client, progress)], IMAGE, progress
    )


async def _build(client: docker.DockerClient, progress: Progress) -> ImageOrigin:
    """Make the image with Go, with the official one's entry point."""
    platform = await engine_platform(client)
    built = await build(jetstream_server(JETSTREAM_VERSION), platform, progress)
    labels = {
        "org.opencontainers.image.title": JETSTREAM_NAME,
        "org.opencontainers.image.version": JETSTREAM_VERSION,
        SOURCE_LABEL: "go",
    }
    progress(f"making {IMAGE} from {built[JETSTREAM_NAME]}")
    return await load(client, IMAGE, Contents(built, (), (CLIENT_PORT,), labels), platform)
