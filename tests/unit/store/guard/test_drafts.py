"""Drafts left by killed restores and snapshots, and their removal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stanlocal.store.guard import drafts

MARKER = json.dumps({"group": "g", "created": "2026-11-28T00:00:00Z", "adopted": False})


def folder(path: Path, marker: str | None = MARKER) -> Path:
    """A store's folder with a channel."""
    (path / "orders").mkdir(parents=True)
    (path / "orders" / "msgs.1.dat").write_bytes(b"messages")
    if marker is not None:
        (path / ".stanlocal.json").write_text(marker)
    return path


@pytest.mark.parametrize("name", [".store.stanlocal-draft", ".store.stanlocal-draft-old"])
def test_the_drafts_of_the_group_are_removed(tmp_path: Path, name: str) -> None:
    folder(tmp_path / "store")
    folder(tmp_path / name)
    drafts.remove(tmp_path / "store", "g")
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


@pytest.mark.parametrize("marker", [None, "{}", MARKER.replace('"g"', '"other"')])
def test_a_folder_of_that_name_that_is_not_the_groups_is_left(tmp_path: Path, marker: str | None) -> None:
    folder(tmp_path / ".store.stanlocal-draft", marker)
    drafts.remove(tmp_path / "store", "g")
    assert (tmp_path / ".store.stanlocal-draft" / "orders" / "msgs.1.dat").exists()


def test_a_link_of_that_name_is_not_followed(tmp_path: Path) -> None:
    folder(tmp_path / "elsewhere")
    (tmp_path / ".store.stanlocal-draft").symlink_to("elsewhere")
    drafts.remove(tmp_path / "store", "g")
    assert (tmp_path / "elsewhere" / "orders" / "msgs.1.dat").exists()


def test_a_draft_killed_before_its_marker_was_written_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".store.stanlocal-draft").mkdir()
    drafts.remove(tmp_path / "store", "g")
    assert list(tmp_path.iterdir()) == []


def test_a_store_between_two_renames_is_put_back(tmp_path: Path) -> None:
    folder(tmp_path / ".store.stanlocal-draft-old")
    drafts.recover(tmp_path / "store", "g")
    assert (tmp_path / "store" / "orders" / "msgs.1.dat").exists()


def test_a_store_that_is_there_is_not_replaced_by_an_older_one(tmp_path: Path) -> None:
    folder(tmp_path / "store")
    (tmp_path / "store" / "server.dat").write_bytes(b"new")
    folder(tmp_path / ".store.stanlocal-draft-old")
    drafts.recover(tmp_path / "store", "g")
    assert (tmp_path / "store" / "server.dat").exists()


def test_unfinished_snapshots_are_removed_and_finished_ones_are_kept(tmp_path: Path) -> None:
    folder(tmp_path / "before.stanlocal-draft")
    folder(tmp_path / "before")
    drafts.remove_unfinished(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["before"]


def test_the_root_folder_has_no_drafts() -> None:
    """The root folder has no name from which theirs could be made."""
    drafts.recover(Path("/"), "g")
    drafts.remove(Path("/"), "g")
