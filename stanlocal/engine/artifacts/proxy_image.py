"""The proxy's image: present in the engine, pulled, or made from executables that Go builds."""

from __future__ import annotations

from collections.abc import Callable

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
from stanlocal.model.proxy_routes import CONTROL, IMAGE, SERVER, VERSION

_MODULE = GoModule(
    "toxiproxy",
    "github.com/Shopify/toxiproxy/v2",
    VERSION,
    {SERVER: "cmd/server", CONTROL: "cmd/cli"},
    "toxiproxy",
)
_API_PORT = 8474


async def ensure_proxy_image(client: docker.DockerClient, progress: Callable[[str], None]) -> ImageOrigin:
    """Provide the proxy's image in the engine; raises like `image.ensure_image`."""
    if origin := await inspect_image(client, IMAGE):
        return origin
    return await from_first_source(
        [lambda: pull_image(client, IMAGE, progress), lambda: _build(client, progress)], IMAGE, progress
    )


async def _build(client: docker.DockerClient, progress: Callable[[str], None]) -> ImageOrigin:
    """Make the image with Go, in the layout of the official one."""
    platform = await engine_platform(client)
    built = await build(_MODULE, platform, progress)
    labels = {
        "org.opencontainers.image.title": _MODULE.name,
        "org.opencontainers.image.version": VERSION,
        SOURCE_LABEL: "go",
    }
    progress(f"making {IMAGE} from {built[SERVER]}")
    return await load(client, IMAGE, Contents(built, (), (_API_PORT,), labels), platform)
