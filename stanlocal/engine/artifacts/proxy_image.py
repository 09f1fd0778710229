"""The image of the proxy."""

from __future__ import annotations

import docker

from stanlocal.engine.artifacts.go_build import GoModule
from stanlocal.engine.artifacts.go_image import ensure_go_image
from stanlocal.engine.artifacts.image import ImageOrigin
from stanlocal.engine.base import Progress
from stanlocal.model.proxy_routes import CONTROL, IMAGE, SERVER, VERSION

_MODULE = GoModule(
    "toxiproxy",
    "github.com/Shopify/toxiproxy/v2",
    VERSION,
    {SERVER: "cmd/server", CONTROL: "cmd/cli"},
    "toxiproxy",
)
_API_PORT = 8474


async def ensure_proxy_image(client: docker.DockerClient, progress: Progress) -> ImageOrigin:
    """Provide the proxy's image in the engine; raises like `image.ensure_image`."""
    return await ensure_go_image(client, IMAGE, _MODULE, _API_PORT, progress)
