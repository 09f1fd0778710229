"""Copies of a store and back."""

from __future__ import annotations

import errno
import json
import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from stanlocal.errors import StoreRefused
from stanlocal.store.guard.copy import copy_store, put_back

MARKER = json.dumps({"group": "g", "created": "2026-11-28T00:00:00Z", "adopted": False})


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with a channel, locks and a marker."""
    store = tmp_path / "store"
    (store / "orders").mkdir(parents=True)
    (store / "server.dat").write_bytes(b"server")
    (store / ".rootdir.lck").write_bytes(b"")
    (store / ".stanlocal.json").write_text(MARKER)
    (store / "orders" / "msgs.1.dat").write_bytes(b"messages")
    return store


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_copy_has_the_servers_files_and_no_locks_markers_or_links(store: Path, tmp_path: Path) -> None:
    (store / "notes.txt").write_text("not the server's")
    (store / "orders" / "subs.dat").symlink_to("/etc/passwd")
    size = copy_store(store, tmp_path / "copies" / "one")
    assert files(tmp_path / "copies" / "one") == {"server.dat": b"server", "orders/msgs.1.dat": b"messages"}
    assert size == len(b"servermessages")


def test_a_copy_is_never_overwritten(store: Path, tmp_path: Path) -> None:
    copy_store(store, tmp_path / "one")
    (store / "server.dat").write_bytes(b"later")
    with pytest.raises(StoreRefused, match="exists already"):
        copy_store(store, tmp_path / "one")
    assert (tmp_path / "one" / "server.dat").read_bytes() == b"server"


def test_a_copy_that_was_killed_half_way_is_no_copy_and_does_not_stop_the_next(
    store: Path, tmp_path: Path
) -> None:
    draft = tmp_path / "one.stanlocal-draft"
    draft.mkdir()
    (draft / "server.dat").write_bytes(b"half")
    copy_store(store, tmp_path / "one")
    assert (tmp_path / "one" / "server.dat").read_bytes() == b"server"
    assert not draft.exists()


def test_a_store_that_is_not_there_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="cannot copy"):
        copy_store(tmp_path / "none", tmp_path / "one")
    assert list(tmp_path.iterdir()) == []


def test_a_restored_copy_replaces_all_and_the_marker_stays(store: Path, tmp_path: Path) -> None:
    copy_store(store, tmp_path / "one")
    (store / "later").mkdir()
    (store / "later" / "msgs.1.dat").write_bytes(b"later")
    put_back(tmp_path / "one", store, tmp_path / "aside")
    assert files(store) == {
        "server.dat": b"server",
        "orders/msgs.1.dat": b"messages",
        ".stanlocal.json": MARKER.encode(),
    }
    assert (tmp_path / "aside" / "later" / "msgs.1.dat").read_bytes() == b"later"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["aside", "one", "store"]


def test_a_restore_that_was_killed_half_way_does_not_stop_the_next(store: Path, tmp_path: Path) -> None:
    copy_store(store, tmp_path / "one")
    draft = tmp_path / ".store.stanlocal-draft"
    draft.mkdir()
    (draft / ".stanlocal.json").write_text(MARKER)
    (draft / "server.dat").write_bytes(b"half")
    put_back(tmp_path / "one", store, tmp_path / "aside")
    assert (store / "server.dat").read_bytes() == b"server"
    assert not draft.exists()


@pytest.mark.parametrize("name", ["notes.txt", "orders/notes.txt", "orders/deep/msgs.1.dat"])
def test_a_store_that_holds_what_is_not_the_servers_is_not_replaced(
    store: Path, tmp_path: Path, name: str
) -> None:
    copy_store(store, tmp_path / "one")
    (store / name).parent.mkdir(exist_ok=True)
    (store / name).write_text("somebody's")
    with pytest.raises(StoreRefused, match="not the server's"):
        put_back(tmp_path / "one", store, tmp_path / "aside")
    assert (store / name).read_text() == "somebody's"
    assert not (tmp_path / "aside").exists()


def test_where_folders_cannot_be_exchanged_in_one_step_they_are_renamed(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stanlocal.store.guard.copy._RENAME_EXCHANGE", 1 << 20)  # EINVAL
    copy_store(store, tmp_path / "one")
    (store / "server.dat").write_bytes(b"later")
    put_back(tmp_path / "one", store, tmp_path / "aside")
    assert (store / "server.dat").read_bytes() == b"server"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["aside", "one", "store"]


@pytest.mark.parametrize("failing", [2, 3])
def test_a_restore_by_renames_that_fails_loses_nothing_of_the_old_store(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    """From one rename on, none succeeds: neither the next one, nor the one that would undo the others."""
    monkeypatch.setattr("stanlocal.store.guard.copy._RENAME_EXCHANGE", 1 << 20)  # EINVAL
    copy_store(store, tmp_path / "one")
    (store / "server.dat").write_bytes(b"later")
    rename, renamed = Path.rename, list[Path]()

    def rename_few(path: Path, to: Path) -> Path:
        if path.name.startswith((".", "store")):  # the copy aside is renamed when it is complete
            renamed.append(path)
            if len(renamed) >= failing:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", rename_few)
    with (
        pytest.raises(StoreRefused, match=r"its content is the snapshot aside")
        if failing == 2
        else nullcontext()
    ):
        put_back(tmp_path / "one", store, tmp_path / "aside")
    assert (tmp_path / "aside" / "server.dat").read_bytes() == b"later"
    assert failing == 2 or (store / "server.dat").read_bytes() == b"server"


def test_a_store_without_a_marker_is_not_replaced(store: Path, tmp_path: Path) -> None:
    copy_store(store, tmp_path / "one")
    (store / ".stanlocal.json").unlink()
    (store / "server.dat").write_bytes(b"kept")
    with pytest.raises(StoreRefused, match="cannot put one back"):
        put_back(tmp_path / "one", store, tmp_path / "aside")
    assert (store / "server.dat").read_bytes() == b"kept"


@pytest.mark.parametrize("failure", [StoreRefused("no"), KeyboardInterrupt(), OSError(28, "full")])
@pytest.mark.parametrize("step", ["_copy", "copy_store", "_exchange"])
def test_a_restore_that_fails_leaves_the_store_and_nothing_else(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, failure: BaseException
) -> None:
    copy_store(store, tmp_path / "one")
    (store / "server.dat").write_bytes(b"later")

    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(f"stanlocal.store.guard.copy.{step}", fail)
    with pytest.raises((StoreRefused, KeyboardInterrupt)):
        put_back(tmp_path / "one", store, tmp_path / "aside")
    assert (store / "server.dat").read_bytes() == b"later"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "store"]


def test_a_restore_without_room_for_the_other_copy_leaves_no_draft(store: Path, tmp_path: Path) -> None:
    copy_store(store, tmp_path / "one")
    (tmp_path / "aside").mkdir()
    with pytest.raises(StoreRefused, match="exists already"):
        put_back(tmp_path / "one", store, tmp_path / "aside")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["aside", "one", "store"]
