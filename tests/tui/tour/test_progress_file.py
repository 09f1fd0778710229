"""The file with a reader's place."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from stanlocal.errors import SettingsError
from stanlocal.tui.tour import progress_file
from stanlocal.tui.tour.guide import Progress


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "stanlocal" / "_tour"


def test_a_place_is_kept_for_its_owner_alone(folder: Path) -> None:
    assert progress_file.load() == Progress()
    place = Progress(3, frozenset({1, 2}))
    progress_file.save(place)
    assert progress_file.load() == place
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == ["progress.json"]


@pytest.mark.parametrize("content", [b"", b"\xff", b"{", b"[" * 100_000, b'{"lesson": "x"}'])
def test_a_damaged_file_is_the_beginning(folder: Path, content: bytes) -> None:
    folder.mkdir(parents=True)
    (folder / "progress.json").write_bytes(content)
    assert progress_file.load() == Progress()


def test_a_place_that_cannot_be_saved_is_reported(folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("a file")
    with pytest.raises(SettingsError, match="is not a folder"):
        progress_file.save(Progress(2))
