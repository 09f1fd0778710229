"""Programs built from source by Go: one version, for one platform, kept in the cache."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stanlocal.engine.artifacts.binary import NAME, Platform
from stanlocal.engine.artifacts.child_process import ChildTimeout, run_child
from stanlocal.errors import ImageNotFound, SettingsError
from stanlocal.machine.user_dirs import cache_folder, make_private

MODULE = f"github.com/nats-io/{NAME}"
JETSTREAM_NAME = "nats-server"
JETSTREAM_VERSION = "2.15.2"
"""Version of the JetStream server that is built where none is there."""

_SILENCE_S = 180.0
"""Seconds without output after which go is ended: with `-v` it prints each package, and none takes longer."""
_USUAL_PLACE = "/usr/local/go/bin"
"""Folder in which Go's instructions install it; it is on no PATH by default."""
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
"""Variables of the user's `go env` that apply: the sources and the caches of modules."""


_MAJOR_VERSION = re.compile(r"/v[0-9]+$")
_REPORT_EACH = 50
"""Packages between two progress lines; there are about 300."""


@dataclass(frozen=True, slots=True)
class GoModule:
    """One version of a Go module, and its programs."""

    name: str
    """Name in messages."""
    module: str
    """Module path, as `go install` takes it."""
    version: str
    programs: Mapping[str, str]
    """Package below the module by executable name; empty for the module itself."""
    cache_name: str
    """Name of their folder in the user's cache."""
    is_required: bool = False
    """Whether it is built as a requirement of an empty module: `go install` refuses a module whose go.mod
    excludes versions of others."""

    def kept(self, platform: Platform) -> dict[str, Path]:
        """Return the path at which `build` keeps each executable, which may not exist yet."""
        folder = cache_folder() / self.cache_name / self.version / f"{platform.os}-{platform.architecture}"
        return {name: folder / name for name in self.programs}

    def package(self, program: str) -> str:
        """Return the argument for `go install`."""
        path = "/".join(filter(None, (self.module, self.programs[program])))
        return f"{path}@v{self.version}"

    def built_as(self, program: str) -> str:
        """Return the name that Go gives the executable: the last part of its path that is no version."""
        path = self.programs[program] or _MAJOR_VERSION.sub("", self.module)
        return path.rpartition("/")[2]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def server(version: str) -> GoModule:
    """Return the module of that version of the server."""
    return GoModule(NAME, MODULE, version, {NAME: ""}, "servers")


def jetstream_server(version: str) -> GoModule:
    """Return the module of that version of nats-server, which holds JetStream."""
    module = f"github.com/nats-io/{JETSTREAM_NAME}/v2"
    return GoModule(JETSTREAM_NAME, module, version, {JETSTREAM_NAME: ""}, "servers")


def kept_server(version: str, platform: Platform) -> Path:
    """Return the path at which `build_with_go` keeps its result, which may not exist yet."""
    return server(version).kept(platform)[NAME]


async def build_with_go(version: str, platform: Platform, progress: Callable[[str], None]) -> Path:
    """Build a static executable of a version of the server; see `build`."""
    return (await build(server(version), platform, progress))[NAME]


async def build(module: GoModule, platform: Platform, progress: Callable[[str], None]) -> dict[str, Path]:
    """Return static executables of `module` for `platform` by name, built now unless the cache has them.

    Builds may run at the same time: each has a folder of its own, and the result of the last to end is
    kept. Raises `ImageNotFound` with the reason.
    """
    kept = module.kept(platform)
    if all(path.exists() for path in kept.values()):
        return kept
    go = find_go()
    if go is None:
        raise ImageNotFound("no go on PATH")
    progress(f"building {module} for {platform} with {go}; a minute or two the first time")
    try:
        folder = make_private(next(iter(kept.values())).parent)
        with tempfile.TemporaryDirectory(dir=folder, prefix="building-") as gopath:
            await _install(go, module, platform, Path(gopath), progress)
            for program, path in kept.items():
                # A cross-compiled executable lies one folder deeper than a native one.
                [built] = (Path(gopath) / "bin").rglob(module.built_as(program))
                built.replace(path)
    except (OSError, SettingsError) as err:
        raise ImageNotFound(f"cannot keep {module.name}: {err}") from err
    return kept


def find_go() -> str | None:
    """Return the path of go: on PATH, else where its instructions install it."""
    return shutil.which("go") or shutil.which("go", path=_USUAL_PLACE)


async def _install(
    go: str, module: GoModule, platform: Platform, gopath: Path, progress: Callable[[str], None]
) -> None:
    env = build_environment(await go_settings(go), platform, gopath)
    for command in _commands(module, gopath):
        said = f"go {command[0]} {' '.join(module.package(program) for program in module.programs)}"
        try:
            finished = await run_child(
                [go, *command], env=env, silence_s=_SILENCE_S, on_line=_Compiled(module, progress).line
            )
        except ChildTimeout as err:
            raise ImageNotFound(f"{said}: {err}") from err
        if finished.code != 0:
            raise ImageNotFound(f"{said} failed: {' / '.join(finished.tail[-3:])}")


def _commands(module: GoModule, gopath: Path) -> Iterator[Sequence[str]]:
    """Yield go's arguments, one command after the other, which put the executables into `gopath`/bin."""
    packages = [module.package(program) for program in module.programs]
    if not module.is_required:
        yield ["install", "-v", "-trimpath", *packages]
        return
    requiring = gopath / "requiring"
    requiring.mkdir()
    (requiring / "go.mod").write_text("module requiring\n")
    yield ["get", "-C", str(requiring), *packages]
    for program, package in zip(module.programs, packages, strict=True):
        executable = gopath / "bin" / module.built_as(program)
        yield [
            "build",
            "-C",
            str(requiring),
            "-v",
            "-trimpath",
            "-o",
            str(executable),
            package.partition("@")[0],
        ]


class _Compiled:
    """A summary of the packages that go prints."""

    def __init__(self, module: GoModule, progress: Callable[[str], None]) -> None:
        self._module = module
        self._progress = progress
        self._packages = 0

    def line(self, line: str) -> None:
        if line.startswith("go: "):
            self._progress(line)
            return
        self._packages += 1
        if self._packages % _REPORT_EACH == 0:
            self._progress(f"building {self._module}: {self._packages} packages")


async def go_settings(go: str) -> dict[str, str]:
    """Return the user's settings that `build_environment` takes; raise `ImageNotFound` if go does not run."""
    try:
        finished = await run_child([go, "env", "-json", *_KEPT], silence_s=10)
        settings = json.loads("\n".join(finished.tail))
    except (OSError, ChildTimeout, ValueError) as err:
        raise ImageNotFound(f"{go} does not work: {err}") from err
    return {name: value for name, value in settings.items() if value}


def build_environment(go_env: Mapping[str, str], platform: Platform, gopath: Path) -> dict[str, str]:
    """Return the environment for go: the user's sources and caches, but nothing that changes the result.

    GOFLAGS or GOBIN, which the user may have set with `go env -w`, would change it: go refuses GOBIN when it
    builds for another platform. So the file of `go env -w` is disabled, and GOPATH is `gopath`.
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
