"""Images for tests, made from bytes."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import docker

PATH = "/nats-streaming-server"


def load_image(client: docker.DockerClient, name: str, program: bytes) -> None:
    """An image with nothing but a program, which it runs."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo(PATH.lstrip("/"))
        entry.size, entry.mode = len(program), 0o755
        tar.addfile(entry, io.BytesIO(program))
    repository, _, tag = name.rpartition(":")
    client.api.import_image_from_data(
        archive.getvalue(), repository=repository, tag=tag, changes=[f'ENTRYPOINT ["{PATH}"]']
    )
