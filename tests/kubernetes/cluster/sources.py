"""The programs that are built for the cluster, and the folder that keeps them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from stanlocal.engine.artifacts.binary import host_platform
from stanlocal.engine.artifacts.go_build import GoModule
from stanlocal.export.pod import METRICS_IMAGE
from stanlocal.machine.user_dirs import cache_folder
from tests.kubernetes.cluster.node_plan import PAUSE_IMAGE
from tests.support.binary import VERSION as SERVER_VERSION

KUBERNETES = "1.34.4"
_SOURCES = Path(__file__).parent / "programs"
_MAJOR, _MINOR, _ = KUBERNETES.split(".")
_VERSION_PACKAGE = "k8s.io/component-base/version"
_STATED = {
    "gitVersion": f"v{KUBERNETES}",
    "gitMajor": _MAJOR,
    "gitMinor": _MINOR,
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
}
"""Without these the servers call themselves v0.0.0-master, and clients that check the version refuse them."""


@dataclass(frozen=True, slots=True)
class Source:
    """A program whose module is in this package."""

    name: str
    """Name of the executable."""
    folder: Path
    link_options: str = "-s -w"


KUBE = Source(
    "kube",
    _SOURCES / "kube",
    " ".join(["-s -w", *(f"-X {_VERSION_PACKAGE}.{name}={value}" for name, value in _STATED.items())]),
)
COREDNS = Source("coredns", _SOURCES / "dns")
PAUSE = Source("pause", _SOURCES / "pause")
SOURCES = (PAUSE, COREDNS, KUBE)

METRICS_EXPORTER = GoModule(
    "prometheus-nats-exporter",
    "github.com/nats-io/prometheus-nats-exporter",
    METRICS_IMAGE.rpartition(":")[2],
    {"prometheus-nats-exporter": ""},
    "exporters",
)


SERVER_IMAGE = f"docker.io/library/nats-streaming:{SERVER_VERSION}"
METRICS_EXPORTER_IMAGE = f"docker.io/{METRICS_IMAGE}"
IMAGES = (PAUSE_IMAGE, METRICS_EXPORTER_IMAGE, SERVER_IMAGE)
"""Full names of the images that each node has, as containerd calls them."""


@cache
def key() -> str:
    """Return what tells these programs from those of other versions, sources and platforms."""
    digest = hashlib.sha256(f"{host_platform()} {SERVER_VERSION} {METRICS_EXPORTER}\n".encode())
    for source in SOURCES:
        digest.update(f"{source.name} {source.link_options}\n".encode())
        for file in sorted(source.folder.iterdir()):
            content = file.read_bytes()
            digest.update(f"{file.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Built:
    """What `build` keeps in the user's cache; it is there when all of it is."""

    folder: Path

    @classmethod
    def kept(cls) -> Built:
        return cls(cache_folder() / "cluster" / key())

    def program(self, source: Source) -> Path:
        return self.folder / source.name

    @property
    def kubectl(self) -> Path:
        """The same executable as the servers', under the name by which it is kubectl."""
        return self.folder / "kubectl"

    @property
    def images(self) -> Path:
        """Folder of the archives of images."""
        return self.folder / "images"

    def archive(self, image: str) -> Path:
        return self.images / f"{image.replace('/', '_')}.tar"

    @property
    def exists(self) -> bool:
        return self.complete.exists()

    @property
    def complete(self) -> Path:
        """File that is written last."""
        return self.folder / "complete"
