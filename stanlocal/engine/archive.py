"""An image with a single file in it, in the format of `docker save`.

The same executable always gives the same image, down to its id: no clock and no user goes into it. That
also makes it faster than a build: the engine has only to store it.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from stanlocal.engine.binary import NAME, Platform

_PORTS = (4222, 6222, 8222)


def image_config(platform: Platform, diff_id: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """The image's configuration; entry point and arguments are those of the official image."""
    return {
        "architecture": platform.architecture,
        "os": platform.os,
        "created": "1970-01-01T00:00:00Z",
        "config": {
            "Entrypoint": [f"/{NAME}"],
            "Cmd": ["-m", "8222"],
            "ExposedPorts": {f"{port}/tcp": {} for port in _PORTS},
            "Labels": dict(labels),
        },
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": f"stanlocal: add /{NAME}"}],
    }


def write_archive(
    out: IO[bytes], binary: Path, image: str, platform: Platform, labels: Mapping[str, str]
) -> None:
    """Writes the archive of `image` (a name with a tag), whose only file is `binary`."""
    with tempfile.TemporaryFile() as layer:
        _write_layer(layer, binary)
        size = layer.tell()
        layer.seek(0)
        digest = hashlib.file_digest(layer, "sha256").hexdigest()
        layer.seek(0)
        config = _json(image_config(platform, f"sha256:{digest}", labels))
        config_name = f"{hashlib.sha256(config).hexdigest()}.json"
        layer_name = f"{digest}.tar"
        manifest = _json([{"Config": config_name, "RepoTags": [image], "Layers": [layer_name]}])
        with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            archive.addfile(_entry(config_name, len(config)), io.BytesIO(config))
            archive.addfile(_entry(layer_name, size), layer)
            archive.addfile(_entry("manifest.json", len(manifest)), io.BytesIO(manifest))


def _write_layer(out: IO[bytes], binary: Path) -> None:
    with binary.open("rb") as file, tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as layer:
        layer.addfile(_entry(NAME, binary.stat().st_size, mode=0o755), file)


def _entry(name: str, size: int, mode: int = 0o644) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)  # of root, at the epoch
    entry.size = size
    entry.mode = mode
    return entry


def _json(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
