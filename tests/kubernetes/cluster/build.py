"""The programs and images of the cluster, built into the user's cache."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from stanlocal.engine.artifacts.archive import Contents, server_contents, write_archive
from stanlocal.engine.artifacts.binary import host_platform
from stanlocal.engine.artifacts.child_process import ChildTimeout, run_child
from stanlocal.engine.artifacts.go_build import build_environment, build_with_go, find_go, go_settings
from stanlocal.engine.artifacts.image import server_labels
from stanlocal.engine.base import Progress
from stanlocal.errors import ImageNotFound
from stanlocal.machine.user_dirs import cache_folder, make_private
from tests.kubernetes.cluster.errors import CannotRun, ClusterError
from tests.kubernetes.cluster.locks import locked
from tests.kubernetes.cluster.node_plan import PAUSE_IMAGE
from tests.kubernetes.cluster.sources import (
    EXPORTER,
    EXPORTER_IMAGE,
    KUBE,
    PAUSE,
    SERVER_IMAGE,
    SOURCES,
    Built,
    Source,
)
from tests.support.binary import VERSION as SERVER_VERSION

_SILENCE_S = 900.0
"""Seconds without output after which go is ended: a busy machine takes minutes for the largest packages."""
_REPORT_EACH = 100
"""Packages between two progress lines; there are some 1,900."""
_PATIENCE = ("nice", "-n", "10")
"""Priority of the build: tests run beside it."""


def build(progress: Progress) -> Built:
    """Return what the cluster runs, built now unless the cache has it.

    A second build waits for the first. Go's build cache, of some 4 GB, is one for this build alone and is
    removed at its end; an interrupted build leaves it for the next. Where the variable GOCACHE names one, it
    is used and kept. Raises `ClusterError` with the reason.
    """
    built = Built.kept()
    if built.exists:
        return built
    with locked(make_private(cache_folder() / "cluster")):
        if not built.exists:
            try:
                asyncio.run(_build(built, progress))
            except ImageNotFound as err:
                raise ClusterError(f"cannot build the cluster: {err}") from err
    return built


async def _build(built: Built, progress: Progress) -> None:
    go = find_go()
    if go is None:
        raise CannotRun("no go on PATH, which the cluster is built with")
    make_private(built.images)
    with go_cache() as compiled, tempfile.TemporaryDirectory(dir=built.images, prefix="building-") as gopath:
        environment = build_environment(await go_settings(go), host_platform(), Path(gopath))
        environment |= {"GOCACHE": str(compiled)}
        for source in SOURCES:
            if not source.executable.exists():
                await _compile(go, source, environment, progress)
    built.kubectl.unlink(missing_ok=True)
    built.kubectl.symlink_to(KUBE.name)
    await _make_images(built, progress)
    built.complete.touch()


@contextmanager
def go_cache() -> Iterator[Path]:
    """Provide the folder of compiled packages for a build."""
    if named := os.environ.get("GOCACHE"):
        yield Path(named)
        return
    folder = make_private(cache_folder() / "cluster" / "go-build")
    yield folder
    shutil.rmtree(folder)


async def _compile(go: str, source: Source, environment: Mapping[str, str], progress: Progress) -> None:
    progress(f"building {source.name} with {go}")
    packages = 0

    def count(line: str) -> None:
        nonlocal packages
        if not line.startswith("go: "):
            packages += 1
            if packages % _REPORT_EACH == 0:
                progress(f"building {source.name}: {packages} packages")

    new = make_private(source.executable.parent) / "new"
    # The module's files are the committed ones: -mod=readonly, Go's default, changes none of them.
    command = [go, "build", "-C", str(source.folder), "-v", "-trimpath"]
    command += ["-buildvcs=false", "-ldflags", source.link_options, "-o", str(new), "."]
    try:
        done = await run_child([*_PATIENCE, *command], env=environment, silence_s=_SILENCE_S, on_line=count)
    except (ChildTimeout, OSError) as err:
        raise ClusterError(f"go build of {source.name}: {err}") from err
    if done.code != 0:
        raise ClusterError(f"go build of {source.name} failed: {' / '.join(done.tail[-3:])}")
    new.rename(source.executable)


async def _make_images(built: Built, progress: Progress) -> None:
    """Make the archives of the images that pods run: all from here, as there is no registry."""
    server = await build_with_go(SERVER_VERSION, host_platform(), progress)
    images = {
        PAUSE_IMAGE: Contents({PAUSE.name: PAUSE.executable}, (), ()),
        EXPORTER_IMAGE: Contents({EXPORTER.name: EXPORTER.executable}, (), (7777,)),
        SERVER_IMAGE: server_contents(server, server_labels(SERVER_VERSION, "go")),
    }
    for name, contents in images.items():
        with built.archive(name).open("wb") as archive:
            write_archive(archive, contents, name, host_platform())
