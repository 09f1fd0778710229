"""The server from its source: `go install` of one version, for the engine's platform, kept in the cache."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from stanlocal.engine.binary import NAME, Platform
from stanlocal.engine.child import ChildTimeout, run_child
from stanlocal.errors import ImageNotFound, SettingsError
from stanlocal.folders import cache_folder, make_private

MODULE = f"github.com/nats-io/{NAME}"

_SILENCE_S = 180.0
"""With `-v`, go names each package: this is more than the slowest takes, or a download without a route."""
_USUAL_PLACE = "/usr/local/go/bin"
"""Where Go's own instructions put it, which is on nobody's PATH by itself."""
_KEPT = (
    "GOMODCACHE",
    "GOCACHE",
    "GOPROXY",
    "GONOPROXY",
    "GOSUMDB",
    "GONOSUMDB",
    "GOPRIVATE",
    "GOINSECURE",
    "GOVCS",
    "GOAUTH",
    "GOTOOLCHAIN",
)
"""What counts of the user's `go env`: where modules come from and where they are kept."""


_REPORT_EACH = 50
"""Packages; there are about 300."""


def kept_server(version: str, platform: Platform) -> Path:
    """Where `build_with_go` keeps its result, in the user's cache folder. It may not exist yet."""
    return cache_folder() / "servers" / version / f"{platform.os}-{platform.architecture}" / NAME


async def build_with_go(version: str, platform: Platform, progress: Callable[[str], None]) -> Path:
    """A static executable of `version` for `platform`, built now unless the cache has it.

    Builds may run at the same time: each has a folder of its own, and the last to end is kept. Raises
    `ImageNotFound` with the reason.
    """
    kept = kept_server(version, platform)
    if kept.exists():
        return kept
    go = shutil.which("go") or shutil.which("go", path=_USUAL_PLACE)
    if go is None:
        raise ImageNotFound("no go on PATH")
    progress(f"building {NAME} {version} for {platform} with {go}; a minute or two the first time")
    try:
        folder = make_private(kept.parent)
        with tempfile.TemporaryDirectory(dir=folder, prefix="building-") as gopath:
            await _install(go, version, platform, Path(gopath), progress)
            # A cross-compiled executable lies one folder deeper than a native one.
            [built] = (Path(gopath) / "bin").rglob(NAME)
            built.replace(kept)
    except (OSError, SettingsError) as err:
        raise ImageNotFound(f"cannot keep the server: {err}") from err
    return kept


async def _install(
    go: str, version: str, platform: Platform, gopath: Path, progress: Callable[[str], None]
) -> None:
    package = f"{MODULE}@v{version}"
    command = [go, "install", "-v", "-trimpath", package]
    env = build_environment(await _go_env(go), platform, gopath)
    try:
        finished = await run_child(
            command, env=env, silence_s=_SILENCE_S, on_line=_Compiled(version, progress).line
        )
    except ChildTimeout as err:
        raise ImageNotFound(f"go install {package}: {err}") from err
    if finished.code != 0:
        raise ImageNotFound(f"go install {package} failed: {' / '.join(finished.tail[-3:])}")


class _Compiled:
    """Makes the list of packages that go prints readable."""

    def __init__(self, version: str, progress: Callable[[str], None]) -> None:
        self._version = version
        self._progress = progress
        self._packages = 0

    def line(self, line: str) -> None:
        if line.startswith("go: "):
            self._progress(line)
            return
        self._packages += 1
        if self._packages % _REPORT_EACH == 0:
            self._progress(f"building {NAME} {self._version}: {self._packages} packages")


async def _go_env(go: str) -> dict[str, str]:
    try:
        finished = await run_child([go, "env", "-json", *_KEPT], silence_s=10)
        settings = json.loads("\n".join(finished.tail))
    except (OSError, ChildTimeout, ValueError) as err:
        raise ImageNotFound(f"{go} does not work: {err}") from err
    return {name: value for name, value in settings.items() if value}


def build_environment(go_env: Mapping[str, str], platform: Platform, gopath: Path) -> dict[str, str]:
    """The environment for go: the user's sources and caches, and nothing else that changes the result.

    GOFLAGS or GOBIN, which the user may have set with `go env -w`, would: go refuses GOBIN outright when
    it builds for another platform. Hence the file of `go env -w` is switched off, and the folder for
    executables is one of our own.
    """
    ours = {
        "GOENV": "off",
        "GOPATH": str(gopath),
        "GOOS": platform.os,
        "GOARCH": platform.architecture,
        "CGO_ENABLED": "0",  # static
    }
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("GO") or name == "GOROOT"
    }
    return {**inherited, **go_env, **ours}
