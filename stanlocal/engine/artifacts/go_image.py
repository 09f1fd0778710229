"""Images of programs that Go builds: present in the engine, pulled, or made like the official ones."""

from __future__ import annotations

import docker

from stanlocal.engine.artifacts.archive import Contents
from stanlocal.engine.artifacts.go_build import GoModule, build
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


async def ensure_go_image(
    client: docker.DockerClient, image: str, module: GoModule, port: int, progress: Progress
) -> ImageOrigin:
    """Provide the image in the engine, with the module's first program as entry point; it exposes `port`.

    Raises like `image.ensure_image`.
    """
    if origin := await inspect_image(client, image):
        return origin

    async def make() -> ImageOrigin:
        platform = await engine_platform(client)
        built = await build(module, platform, progress)
        labels = {
            "org.opencontainers.image.title": module.name,
            "org.opencontainers.image.version": module.version,
            SOURCE_LABEL: "go",
        }
        progress(f"making {image} from {built[next(iter(module.programs))]}")
        return await load(client, image, Contents(built, (), (port,), labels), platform)

    return await from_first_source([lambda: pull_image(client, image, progress), make], image, progress)
