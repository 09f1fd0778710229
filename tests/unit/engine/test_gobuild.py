import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from stanlocal.engine.binary import Platform
from stanlocal.engine.gobuild import build_environment, build_with_go, kept_server
from stanlocal.errors import ImageNotFound

ARM64 = Platform("linux", "arm64")


@pytest.fixture
def fake_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """A `go` whose `install` writes the environment it saw where a cross-compiled executable goes.

    Returns what gives its calls so far.
    """
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(
        """#!/bin/sh
if [ "$1" = env ]; then echo '{"GOPROXY": "https://proxy.example", "GOAUTH": ""}'; exit; fi
[ -z "$FAIL" ] || { echo "go: no route to the module proxy" >&2; exit 1; }
echo "$@" >> "$CALLS"
mkdir -p "$GOPATH/bin/${GOOS}_$GOARCH"
env > "$GOPATH/bin/${GOOS}_$GOARCH/nats-streaming-server"
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
async def test_without_go_the_reason_is_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("stanlocal.engine.gobuild._USUAL_PLACE", "")
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
