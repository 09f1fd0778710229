"""The image of a JetStream server."""

from __future__ import annotations

import docker

from stanlocal.engine.artifacts.go_build import JETSTREAM_VERSION, jetstream_server
from stanlocal.engine.artifacts.go_image import ensure_go_image
from stanlocal.engine.artifacts.image import ImageOrigin
from stanlocal.engine.base import Progress

IMAGE = "nats:2.15"
CLIENT_PORT = 4222


async def ensure_jetstream_image(client: docker.DockerClient, progress: Progress) -> ImageOrigin:
    """Provide the image in the engine; raises like `image.ensure_image`."""
    return await ensure_go_image(client, IMAGE, jetstream_server(JETSTREAM_VERSION), CLIENT_PORT, progress)
