"""Removal of files and folders, which names what stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stanlocal.util.removal import remove_all


def test_files_links_and_folders_are_removed_and_missing_ones_are_no_error(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "key").touch()
    (tmp_path / "folder" / "sub").mkdir(parents=True)
    (tmp_path / "folder" / "sub" / "key").touch()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    paths = [tmp_path / name for name in ("folder", "file", "link", "missing")]
    assert remove_all(paths) == ()
    assert [path.name for path in tmp_path.rglob("*")] == ["kept", "key"]


def test_what_stays_is_named_with_its_reason_and_the_rest_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_unlink = os.unlink

    def unlink(path: str, *, dir_fd: int | None = None) -> None:
        if path == "ke\ny":
            raise PermissionError(1, "Operation not permitted", path)
        real_unlink(path, dir_fd=dir_fd)

    for name in ("a", "ke\ny", "z"):
        (tmp_path / "one" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "one" / name).touch()
    (tmp_path / "two").touch()
    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", unlink)
        left = remove_all([tmp_path / "one", tmp_path / "two"])
    assert left == (rf"{tmp_path}/one/ke\ny (Operation not permitted)",)
    assert [path.name for path in tmp_path.rglob("*")] == ["one", "ke\ny"]
    assert remove_all([tmp_path / "one"]) == ()


def test_a_folder_into_which_something_is_put_meanwhile_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    real_rmdir, late = os.rmdir, iter(["key"])

    def rmdir(path: str | Path, *, dir_fd: int | None = None) -> None:
        for name in late:
            (folder / name).touch()
        real_rmdir(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "rmdir", rmdir)
    assert remove_all([folder]) == ()
    assert not folder.exists()
