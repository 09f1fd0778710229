"""An image that holds only executables, in the format of `docker save`.

The same executables always give the same image, down to its id: it contains no time and no user name. It
is also faster than a build: the engine only stores it.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from stanlocal.engine.artifacts.binary import NAME, Platform
from stanlocal.util.temporary import temporary_file


@dataclass(frozen=True, slots=True)
class Contents:
    """The files and the default command of an image."""

    executables: Mapping[str, Path]
    """Paths on this machine by name in the image's root; the first is the entry point."""
    command: tuple[str, ...]
    """Default arguments of the entry point."""
    ports: tuple[int, ...]
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def entrypoint(self) -> str:
        return f"/{next(iter(self.executables))}"


def server_contents(binary: Path, labels: Mapping[str, str]) -> Contents:
    """Return the contents of the server's image, with the official entry point and arguments."""
    return Contents({NAME: binary}, ("-m", "8222"), (4222, 6222, 8222), labels)


def image_config(platform: Platform, diff_id: str, contents: Contents) -> dict[str, Any]:
    """Return the image's configuration."""
    return {
        "architecture": platform.architecture,
        "os": platform.os,
        "created": "1970-01-01T00:00:00Z",
        "config": {
            "Entrypoint": [contents.entrypoint],
            "Cmd": list(contents.command),
            "ExposedPorts": {f"{port}/tcp": {} for port in contents.ports},
            "Labels": dict(contents.labels),
        },
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [
            {"created": "1970-01-01T00:00:00Z", "created_by": f"stanlocal: add {contents.entrypoint}"}
        ],
    }


def write_archive(out: IO[bytes], contents: Contents, image: str, platform: Platform) -> None:
    """Write the archive of `image` (a name with a tag), whose only files are the executables."""
    with temporary_file() as layer:
        _write_layer(layer, contents.executables)
        size = layer.tell()
        layer.seek(0)
        digest = hashlib.file_digest(layer, "sha256").hexdigest()
        layer.seek(0)
        config = _json(image_config(platform, f"sha256:{digest}", contents))
        config_name = f"{hashlib.sha256(config).hexdigest()}.json"
        layer_name = f"{digest}.tar"
        manifest = _json([{"Config": config_name, "RepoTags": [image], "Layers": [layer_name]}])
        with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            archive.addfile(_entry(config_name, len(config)), io.BytesIO(config))
            archive.addfile(_entry(layer_name, size), layer)
            archive.addfile(_entry("manifest.json", len(manifest)), io.BytesIO(manifest))


def _write_layer(out: IO[bytes], executables: Mapping[str, Path]) -> None:
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as layer:
        for name, path in executables.items():
            with path.open("rb") as file:
                layer.addfile(_entry(name, path.stat().st_size, mode=0o755), file)


def _entry(name: str, size: int, mode: int = 0o644) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)  # owned by root, dated at the epoch
    entry.size = size
    entry.mode = mode
    return entry


def _json(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
