"""The build's own cache of compiled packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kubernetes.cluster.build import go_cache


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("GOCACHE", raising=False)


def test_the_cache_of_compiled_packages_is_removed_after_the_build() -> None:
    with go_cache() as folder:
        (folder / "package").touch()
    assert not folder.exists()


def test_an_interrupted_build_leaves_it_for_the_next() -> None:
    with pytest.raises(KeyboardInterrupt):
        _interrupted_build()
    with go_cache() as again:
        assert (again / "package").exists()


def _interrupted_build() -> None:
    with go_cache() as folder:
        (folder / "package").touch()
        raise KeyboardInterrupt


def test_one_that_the_caller_names_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = tmp_path / "named"
    named.mkdir()
    monkeypatch.setenv("GOCACHE", str(named))
    with go_cache() as folder:
        assert folder == named
    assert named.exists()
