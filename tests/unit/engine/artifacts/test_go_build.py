import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from stanlocal.engine.artifacts.binary import Platform
from stanlocal.engine.artifacts.go_build import GoModule, build, build_environment, build_with_go, kept_server
from stanlocal.errors import ImageNotFound

ARM64 = Platform("linux", "arm64")


@pytest.fixture
def fake_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """A `go` whose `install` writes the environment it saw where cross-compiled executables go.

    Returns what gives its calls so far.
    """
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(
        """#!/bin/sh
if [ "$1" = env ]; then echo '{"GOPROXY": "https://proxy.example", "GOAUTH": ""}'; exit; fi
[ -z "$FAIL" ] || { echo "go: no route to the module proxy" >&2; exit 1; }
echo "$@" >> "$CALLS"
if [ "$1" = build ]; then while [ "$1" != -o ]; do shift; done; mkdir -p "${2%/*}"; env > "$2"; exit; fi
[ "$1" = install ] || exit 0
mkdir -p "$GOPATH/bin/${GOOS}_$GOARCH"
for each; do
  case $each in *@*) each=${each%@*}; env > "$GOPATH/bin/${GOOS}_$GOARCH/${each##*/}" ;; esac
done
"""
    )
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{go.parent}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    return lambda: (tmp_path / "calls").read_text().splitlines()


async def test_a_server_is_built_once_and_kept(fake_go: Callable[[], list[str]]) -> None:
    said: list[str] = []
    built = await build_with_go("0.25.6", ARM64, said.append)
    assert built == kept_server("0.25.6", ARM64)
    assert "GOARCH=arm64" in built.read_text().splitlines()
    assert "for linux/arm64" in said[0]
    assert await build_with_go("0.25.6", ARM64, said.append) == built
    assert fake_go() == ["install -v -trimpath github.com/nats-io/nats-streaming-server@v0.25.6"]


async def test_a_module_that_go_install_refuses_is_built_as_a_requirement_of_an_empty_one(
    fake_go: Callable[[], list[str]],
) -> None:
    module = GoModule("tool", "example.org/tool/v5", "5.6.0", {"tool": "cmd"}, "t", is_required=True)
    built = await build(module, ARM64, lambda line: None)
    assert "GOARCH=arm64" in built["tool"].read_text().splitlines()
    get, make = fake_go()
    assert get.startswith("get -C /")
    assert get.endswith("/requiring example.org/tool/v5/cmd@v5.6.0")
    assert make.startswith("build -C /")
    assert make.endswith("/bin/cmd example.org/tool/v5/cmd")


async def test_several_programs_of_a_module_are_built_at_once_and_kept_under_names_of_their_own(
    fake_go: Callable[[], list[str]],
) -> None:
    module = GoModule(
        "tools", "example.org/tools/v2", "1.2.0", {"tool": "cmd/server", "toolctl": "cmd/cli"}, "t"
    )
    built = await build(module, ARM64, lambda line: None)
    assert built == module.kept(ARM64)
    assert [path.name for path in built.values()] == ["tool", "toolctl"]
    assert all("GOARCH=arm64" in path.read_text() for path in built.values())
    assert await build(module, ARM64, lambda line: None) == built
    packages = "example.org/tools/v2/cmd/server@v1.2.0 example.org/tools/v2/cmd/cli@v1.2.0"
    assert fake_go() == [f"install -v -trimpath {packages}"]


@pytest.mark.usefixtures("fake_go")
async def test_missing_programs_of_several_are_built_again() -> None:
    module = GoModule("tools", "example.org/tools", "1.2.0", {"a": "cmd/a", "b": "cmd/b"}, "t")
    built = await build(module, ARM64, lambda line: None)
    built["b"].unlink()
    assert (await build(module, ARM64, lambda line: None))["b"].exists()


@pytest.mark.usefixtures("fake_go")
async def test_nothing_is_left_beside_the_kept_server() -> None:
    built = await build_with_go("0.25.6", ARM64, lambda line: None)
    assert list(built.parent.iterdir()) == [built]


@pytest.mark.usefixtures("fake_go")
async def test_a_failed_build_keeps_nothing_and_gives_gos_own_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIL", "1")
    with pytest.raises(ImageNotFound, match=r"server@v0\.25\.6 failed: go: no route to the module proxy"):
        await build_with_go("0.25.6", ARM64, lambda line: None)
    assert list(kept_server("0.25.6", ARM64).parent.iterdir()) == []


@pytest.mark.usefixtures("fake_go")
async def test_a_missing_go_is_the_reported_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("stanlocal.engine.artifacts.go_build._USUAL_PLACE", "")
    with pytest.raises(ImageNotFound, match="no go on PATH"):
        await build_with_go("0.25.6", ARM64, lambda line: None)


def test_only_the_users_sources_and_caches_reach_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """GOBIN makes go refuse a build for another platform; GOFLAGS could make the result another."""
    monkeypatch.setenv("GOBIN", "/home/me/bin")
    monkeypatch.setenv("GOFLAGS", "-mod=vendor")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    go_env = json.loads('{"GOPROXY": "https://modules.example", "GOMODCACHE": "/cache/mod"}')
    env = build_environment(go_env, ARM64, Path("/tmp/gopath"))
    assert not {"GOBIN", "GOFLAGS"} & env.keys()
    assert env["GOENV"] == "off"
    assert (env["GOOS"], env["GOARCH"], env["CGO_ENABLED"]) == ("linux", "arm64", "0")
    assert (env["GOPROXY"], env["GOMODCACHE"]) == ("https://modules.example", "/cache/mod")
    assert (env["HTTPS_PROXY"], env["PATH"]) == ("http://proxy.example", os.environ["PATH"])
