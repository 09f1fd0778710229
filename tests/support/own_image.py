"""The image of stanlocal, built without a registry: its base is made of Debian's packages, and kept."""

from __future__ import annotations

import os
import secrets
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import ImageNotFound

from stanlocal.machine.user_dirs import cache_folder
from tests.support.cli import ROOT

_RELEASE = "bookworm"
_PACKAGES = "python3,python3-venv,ca-certificates"
_MIRROR = "http://deb.debian.org/debian"
_BUILD_BASE = """
FROM {base}
COPY certificates.crt /etc/ssl/certs/ca-certificates.crt
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt
"""


@dataclass(frozen=True, slots=True)
class OwnImage:
    """The image, and the base that it was built on."""

    name: str
    base: str
    client: docker.DockerClient

    @property
    def added_bytes(self) -> int:
        """The size of what is beyond the base."""
        sizes = [self.client.images.get(name).attrs["Size"] for name in (self.name, self.base)]
        return int(sizes[0] - sizes[1])

    def help_seconds(self, runs: int) -> list[float]:
        """Return how long `--help` takes in a running container, entry point included."""
        script = (
            "import subprocess, time\n"
            f"for _ in range({runs}):\n"
            "    begun = time.perf_counter()\n"
            "    subprocess.run(['image-entrypoint', '--help'], stdout=subprocess.DEVNULL, check=True)\n"
            "    print(time.perf_counter() - begun)\n"
        )
        said = self.client.containers.run(self.name, ["-c", script], entrypoint="python", remove=True)
        return [float(line) for line in said.decode().split()]


def missing() -> str | None:
    """Return why the image cannot be built here; None if it can."""
    if shutil.which("docker") is None:
        return "no docker command, which builds the image"
    if not _kept().exists() and (shutil.which("debootstrap") is None or os.geteuid() != 0):
        return "no debootstrap, or not root: the image's base is made of Debian's packages"
    return None


@contextmanager
def own_image(client: docker.DockerClient, folder: Path) -> Iterator[OwnImage]:
    """Build the image; it and its base are removed at the end. `folder` is for what the build needs."""
    mark = secrets.token_hex(4)
    kinds = ("base", "build-base", "build", "own")
    base, build_base, stage, name = (f"stanlocal-{kind}:{mark}" for kind in kinds)
    certificates = os.environ.get("PIP_CERT") or ssl.get_default_verify_paths().cafile
    try:
        subprocess.run(["docker", "import", _base_files(folder), base], check=True, capture_output=True)
        context = folder / "build-base"
        context.mkdir()
        (context / "Dockerfile").write_text(_BUILD_BASE.format(base=base))
        shutil.copyfile(str(certificates), context / "certificates.crt")
        _build(context, build_base)
        bases = {"BASE": base, "BUILD_BASE": build_base}
        _build(ROOT, stage, "--target", "build", **bases)  # with a name, so that it can be removed
        _build(ROOT, name, **bases)
        yield OwnImage(name, base, client)
    finally:
        for each in (name, stage, build_base, base):
            try:
                client.images.remove(each, force=True)
            except ImageNotFound:
                continue  # its build failed


def _build(context: Path, name: str, *options: str, **arguments: str) -> None:
    given = [*options]
    given += [word for key, value in arguments.items() for word in ("--build-arg", f"{key}={value}")]
    command = ["docker", "build", "--quiet", "--network", "host", "--tag", name, *given, str(context)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr


def _kept() -> Path:
    return cache_folder() / "images" / f"{_RELEASE}-{_PACKAGES.replace(',', '-')}.tar"


def _base_files(folder: Path) -> Path:
    """Return a system with Python as an archive; made once, and kept in the user's cache folder."""
    kept = _kept()
    if not kept.exists():
        system = folder / "base"
        command: list[str | Path] = [
            "debootstrap",
            "--variant=minbase",
            f"--include={_PACKAGES}",
            _RELEASE,
            system,
            _MIRROR,
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=1800)
        kept.parent.mkdir(parents=True, exist_ok=True)
        beside = kept.with_suffix(f".{secrets.token_hex(4)}")
        left_out = ("./var/cache/apt/archives/*.deb", "./var/lib/apt/lists/*", "./dev/*")
        exclude = [f"--exclude={pattern}" for pattern in left_out]
        subprocess.run(["tar", "-C", system, *exclude, "-cf", beside, "."], check=True)
        beside.replace(kept)
        shutil.rmtree(system)
    return kept
