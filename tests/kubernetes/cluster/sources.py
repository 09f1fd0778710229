"""The programs that are built for the cluster, and the folder that keeps them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from stanlocal.engine.artifacts.binary import host_platform
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

    @property
    def key(self) -> str:
        """Hash that distinguishes the program from one of other sources, or for another platform."""
        files = [(file.name, file.read_bytes()) for file in sorted(self.folder.iterdir())]
        return _short_hash(str(host_platform()), self.link_options, files)

    @property
    def executable(self) -> Path:
        """Path at which `build` keeps it, in a folder of its own."""
        return _kept() / f"{self.name}-{self.key}" / self.name


def _short_hash(*values: object) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()[:12]


def _kept() -> Path:
    return cache_folder() / "cluster"


KUBE = Source(
    "kube",
    _SOURCES / "kube",
    " ".join(["-s -w", *(f"-X {_VERSION_PACKAGE}.{name}={value}" for name, value in _STATED.items())]),
)
COREDNS = Source("coredns", _SOURCES / "dns")
PAUSE = Source("pause", _SOURCES / "pause")
EXPORTER = Source("prometheus-nats-exporter", _SOURCES / "exporter")
SOURCES = (PAUSE, EXPORTER, COREDNS, KUBE)


SERVER_IMAGE = f"docker.io/library/nats-streaming:{SERVER_VERSION}"
EXPORTER_IMAGE = f"docker.io/{METRICS_IMAGE}"
IMAGES = (PAUSE_IMAGE, EXPORTER_IMAGE, SERVER_IMAGE)
"""Full names of the images that each node has, as containerd calls them."""


def key() -> str:
    """Return what tells this cluster from one of other programs and images."""
    return _short_hash(SERVER_VERSION, IMAGES, [source.key for source in SOURCES])


@dataclass(frozen=True, slots=True)
class Built:
    """Files that `build` keeps in the user's cache; they are there all together or not at all."""

    images: Path
    """Folder of the archives of images."""

    @classmethod
    def kept(cls) -> Built:
        return cls(_kept() / f"images-{key()}")

    @property
    def kubectl(self) -> Path:
        """The same executable as the servers', under the name by which it is kubectl."""
        return KUBE.executable.with_name("kubectl")

    def archive(self, image: str) -> Path:
        return self.images / f"{image.replace('/', '_')}.tar"

    @property
    def complete(self) -> Path:
        """File that is written last."""
        return self.images / "complete"

    @property
    def exists(self) -> bool:
        return self.complete.exists() and all(source.executable.exists() for source in SOURCES)
