"""Findings about an engine are kept under all that they depend on, and dropped when broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from stanlocal.engine.docker import trial_cache


@pytest.fixture(autouse=True)
def _cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_kept_findings_are_recalled_for_their_owner_only(tmp_path: Path) -> None:
    name = trial_cache.key("place", "engine", "here")
    assert trial_cache.recall(name) is None
    trial_cache.keep(name, {"host": "docker"})
    trial_cache.keep(name, {"host": "127.0.0.1"})
    assert trial_cache.recall(name) == {"host": "127.0.0.1"}
    (folder,) = tmp_path.glob("*/engines")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in folder.iterdir()] == [name]


def test_every_part_of_a_key_counts() -> None:
    keys = {
        trial_cache.key("place", "engine", "a", "b"),
        trial_cache.key("lock", "engine", "a", "b"),
        trial_cache.key("place", "other", "a", "b"),
        trial_cache.key("place", "engine", "ab"),
        trial_cache.key("place", "engine", "a", "b", 3),
    }
    assert len(keys) == 5


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b"[" * 3000], ids=["empty", "torn", "no text", "too deep"]
)
def test_a_broken_result_is_none(tmp_path: Path, content: bytes) -> None:
    trial_cache.keep("lock-1", True)
    (file,) = tmp_path.glob("*/engines/lock-1")
    file.write_bytes(content)
    assert trial_cache.recall("lock-1") is None


def test_a_file_system_is_known_by_where_it_is_mounted_and_its_device(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    assert trial_cache.file_system(tmp_path / "a/b") == trial_cache.file_system(tmp_path)
    assert trial_cache.file_system(Path("/proc/self")) == ("/proc", Path("/proc").stat().st_dev)


def test_without_a_place_for_a_cache_nothing_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    trial_cache.keep("lock-1", True)
    assert trial_cache.recall("lock-1") is None
