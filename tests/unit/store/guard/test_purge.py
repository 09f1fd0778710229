"""Files that a purge deletes, and above all those that it leaves."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stanlocal.errors import StoreRefused
from stanlocal.store.guard.claim import claim
from stanlocal.store.guard.purge import PurgeReport, check_purgeable, discard_unused, purge
from stanlocal.store.layout import MARKER_FILE
from tests.support.effort import inputs
from tests.unit.store.trees import USER, fill, snapshot


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of the group `stan`, used."""
    path = tmp_path / "store"
    claim(path, group="stan", cluster_id="test-cluster", user=USER)
    fill(path, channels=("orders", "foo.bar", "caf\u00e9"))
    return path


def test_a_store_of_ours_is_gone_afterwards(store: Path) -> None:
    assert purge(store, "stan", made=True) == PurgeReport()
    assert not store.exists()
    assert purge(store, "stan", made=True) == PurgeReport()


def test_through_a_symbolic_link_the_store_is_purged_and_the_link_left(store: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(store)
    assert purge(tmp_path / "link", "stan", made=True).left == ()
    assert not store.exists()
    assert (tmp_path / "link").is_symlink()


def no_marker(store: Path) -> None:
    (store / MARKER_FILE).unlink()


def other_group(store: Path) -> None:
    marker = store / MARKER_FILE
    marker.write_text(marker.read_text().replace('"stan"', '"other"'))


def adopted(store: Path) -> None:
    no_marker(store)
    claim(store, group="stan", cluster_id="test-cluster", user=USER)


def broken_marker(store: Path) -> None:
    (store / MARKER_FILE).write_text("")


def linked_marker(store: Path) -> None:
    (store / MARKER_FILE).rename(store.parent / "marker")
    (store / MARKER_FILE).symlink_to(store.parent / "marker")


@pytest.mark.parametrize("spoil", [no_marker, other_group, adopted, broken_marker, linked_marker])
def test_a_store_without_the_groups_own_marker_is_not_touched(
    store: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(store)
    before = snapshot(store.parent)
    with pytest.raises(StoreRefused, match=r"nothing of .* was deleted"):
        purge(store, "stan", made=True)
    assert snapshot(store.parent) == before


def test_a_marker_alone_does_not_make_a_store_one_to_delete(store: Path) -> None:
    before = snapshot(store.parent)
    for call in (check_purgeable, purge):
        with pytest.raises(StoreRefused, match=r"nothing of .* was deleted: .* it is a copy, or was moved"):
            call(store, "stan", made=False)
    assert snapshot(store.parent) == before


def test_a_file_in_place_of_the_store_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("thesis")
    with pytest.raises(StoreRefused, match="Not a directory"):
        purge(tmp_path / "store", "stan", made=True)
    assert (tmp_path / "store").read_text() == "thesis"


@pytest.mark.parametrize(
    "foreign",
    [
        "notes.txt",
        "server.dat.bak",
        "clients.dat-1",
        "subs",
        "subs1x",
        "orders/notes.txt",
        "orders/msgs.1.dat.orig",
        "orders/msgs.x.dat",
        "orders/server.dat",
        "orders/deep/msgs.1.dat",
        "backup/server.dat",
        ".stanlocal.json.old",
        "orders/\u0661",
        "orders/msgs.\u0661.dat",
    ],
)
def test_foreign_files_are_left_and_named(store: Path, foreign: str) -> None:
    path = store / foreign
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    report = purge(store, "stan", made=True)
    assert path.read_text() == "mine"
    below = path if path.parent.name != "deep" else path.parent
    assert report.left == (str(below),)
    left = {name for name, content in snapshot(store).items() if content is not None}
    assert left == {foreign, MARKER_FILE}
    shutil.move(path, store.parent / "saved")
    if path.parent.name == "deep":
        path.parent.rmdir()
    assert purge(store, "stan", made=True).left == ()
    assert not store.exists()


def test_links_and_special_files_are_left_and_what_they_lead_to_is_safe(store: Path, tmp_path: Path) -> None:
    """Though they have the names of the server's files and of channels."""
    victim = tmp_path / "victim"
    fill(victim)
    before = snapshot(victim)
    (store / "server.dat").unlink()
    (store / "server.dat").symlink_to(victim / "server.dat")
    (store / "linked").symlink_to(victim / "orders")
    (store / "orders" / "msgs.7.dat").symlink_to(victim / "orders" / "msgs.1.dat")
    os.mkfifo(store / "subs7")
    report = purge(store, "stan", made=True)
    assert snapshot(victim) == before
    names = ["linked", "orders/msgs.7.dat", "server.dat", "subs7"]
    assert report.left == tuple(str(store / name) for name in names)


def test_a_hard_link_to_a_file_elsewhere_only_loses_its_name_in_the_store(
    store: Path, tmp_path: Path
) -> None:
    (tmp_path / "precious").write_text("mine")
    os.link(tmp_path / "precious", store / "subs99")
    assert purge(store, "stan", made=True).left == ()
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_channel_replaced_by_a_link_under_our_hands_is_not_followed(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may write to the store swaps a folder for a link just before it is opened."""
    victim = tmp_path / "victim"
    fill(victim)
    before = snapshot(victim)
    real_open = os.open

    def swapping_open(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "orders" and not (store / "orders").is_symlink():
            shutil.rmtree(store / "orders")
            (store / "orders").symlink_to(victim / "orders")
        return real_open(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", swapping_open)
    report = purge(store, "stan", made=True)
    assert snapshot(victim) == before
    assert len(report.failed) == 1
    assert report.failed[0].startswith(str(store / "orders"))


def test_hostile_names_are_shown_in_printable_characters(store: Path) -> None:
    names = [b"a\nb", b"\xff\xfe", b"\x1b[2J", b"-rf", "\u202e".encode()]
    for name in names:
        (store / os.fsdecode(name)).touch()
    report = purge(store, "stan", made=True)
    assert len(report.left) == len(names)
    assert all(path.isprintable() for path in report.left)


def test_unremovable_files_are_reported_and_the_rest_removed(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_unlink = os.unlink

    def failing_unlink(path: str, *, dir_fd: int | None = None) -> None:
        if path == "clients.dat":
            raise PermissionError(1, "Operation not permitted")
        real_unlink(path, dir_fd=dir_fd)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", failing_unlink)
        report = purge(store, "stan", made=True)
    assert report.failed == (f"{store / 'clients.dat'} (Operation not permitted)",)
    assert snapshot(store).keys() == {"clients.dat", MARKER_FILE}
    assert purge(store, "stan", made=True).failed == ()
    assert not store.exists()


def test_a_purge_that_was_killed_half_way_can_be_repeated(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The purge is stopped at every single step: the marker goes last."""
    real_unlink, real_rmdir = os.unlink, os.rmdir
    for steps in range(100):
        budget = iter(range(steps))

        def step(act: Callable[..., None], budget: Iterator[int] = budget) -> Callable[..., None]:
            def acting(path: str, *, dir_fd: int | None = None) -> None:
                if next(budget, None) is None:
                    raise KeyboardInterrupt
                act(path, dir_fd=dir_fd)

            return acting

        if not store.exists() or not snapshot(store):
            claim(store, group="stan", cluster_id="test-cluster", user=USER)
            fill(store)
        with monkeypatch.context() as patch:
            patch.setattr(os, "unlink", step(real_unlink))
            patch.setattr(os, "rmdir", step(real_rmdir))
            try:
                purge(store, "stan", made=True)
                break
            except KeyboardInterrupt:
                pass
        again = purge(store, "stan", made=True)
        assert (again.left, again.failed) == ((), ())
        assert not store.exists() or not snapshot(store)  # killed at the last step: an empty folder
    assert steps > 12


@pytest.mark.parametrize("extra", [[], [".rootdir.lck"], [".rootdir.lck", ".truncate.lck"]])
def test_an_unused_store_is_discarded(tmp_path: Path, extra: list[str]) -> None:
    claim(tmp_path / "store", group="stan", cluster_id="c", user=USER)
    for name in extra:
        (tmp_path / "store" / name).touch()
    assert discard_unused(tmp_path / "store", "stan")
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("spoil", [no_marker, other_group, adopted, broken_marker, lambda store: None])
def test_a_used_store_or_one_of_others_is_not_discarded(store: Path, spoil: Callable[[Path], None]) -> None:
    spoil(store)
    before = snapshot(store)
    assert not discard_unused(store, "stan")
    assert snapshot(store) == before


def test_a_missing_store_is_not_discarded(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not discard_unused(tmp_path / "absent", "stan")
    assert not discard_unused(tmp_path / "file", "stan")


SERVER_NAMES = ["server.dat", "clients.dat", "clients.dat123", "subs5", ".rootdir.lck"]
CHANNEL_NAMES = ["msgs.1.dat", "msgs.1.idx", "msgs.2.dat.bak", "subs.dat"]
NAMES = st.one_of(
    st.sampled_from([*SERVER_NAMES, *CHANNEL_NAMES, MARKER_FILE, "orders", "lost+found", "msgs.dat", "subs"]),
    st.text("ab.1\n\u00e9 ", min_size=1, max_size=6).filter(lambda name: name not in (".", "..")),
)
KINDS = st.sampled_from(["file", "folder", "link-to-file", "link-to-folder", "pipe"])


@contextmanager
def scratch(factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = factory.mktemp("tree")
    yield path
    shutil.rmtree(path)


@settings(max_examples=inputs(150))
@given(tree=st.lists(st.tuples(st.lists(NAMES, min_size=1, max_size=3), KINDS), max_size=14))
def test_in_any_tree_no_foreign_file_is_ever_lost(
    tmp_path_factory: pytest.TempPathFactory, tree: list[tuple[list[str], str]]
) -> None:
    with scratch(tmp_path_factory) as root:
        outside = root / "outside"
        fill(outside)
        store = root / "store"
        claim(store, group="stan", cluster_id="c", user=USER)
        for parts, kind in tree:
            plant(store, parts, kind, outside)
        before = snapshot(root)
        report = purge(store, "stan", made=True)
        after = snapshot(root)
        gone = {name: content for name, content in before.items() if name not in after}
        assert all(after[name] == before[name] for name in after)
        for name, content in gone.items():
            first, *rest = Path(name).parts
            assert first == "store"
            if content is None:
                assert len(rest) <= 1
            else:
                assert isinstance(content, bytes)
                assert may_go(rest)
        assert bool(report.left) == store.exists()
        kept = {
            name
            for name, content in after.items()
            if isinstance(content, bytes) and may_go(Path(name).parts[1:])
        }
        assert {name for name in kept if name.startswith("store/")} <= {f"store/{MARKER_FILE}"}


def may_go(parts: list[str] | tuple[str, ...]) -> bool:
    """Return whether a file there can be the server's or stanlocal's, independently of the tested code."""
    if len(parts) == 1:
        return parts[0] in [*SERVER_NAMES, MARKER_FILE, "subs1", "subs11"]
    return len(parts) == 2 and parts[1] in CHANNEL_NAMES


def plant(store: Path, parts: list[str], kind: str, outside: Path) -> None:
    """Put a file there, unless something else is in the way."""
    path = store.joinpath(*parts)
    folders = [each for each in path.parents if store in each.parents]
    if os.path.lexists(path) or any(
        each.is_symlink() or each.is_file() or each.is_fifo() for each in folders
    ):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "file":
        path.write_text("content")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(outside / ("server.dat" if kind == "link-to-file" else "orders"))


def test_the_store_of_another_group_with_the_same_name_is_not_deleted(tmp_path: Path) -> None:
    store = tmp_path / "store"
    claim(store, group="stan", cluster_id="test-cluster", user=USER, group_id="one")
    fill(store)
    before = snapshot(store)
    for other in ("two", None):
        with pytest.raises(StoreRefused, match="from another state folder"):
            check_purgeable(store, "stan", other, made=True)
        with pytest.raises(StoreRefused, match="from another state folder"):
            purge(store, "stan", other, made=True)
        assert not discard_unused(store, "stan", other)
    assert snapshot(store) == before
    assert purge(store, "stan", "one", made=True).left == ()


def test_a_store_with_a_marker_of_version_1_is_deleted_by_its_name(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    marker = '{"group": "stan", "created": "", "adopted": false, "version": 1}'
    (store / MARKER_FILE).write_text(marker)
    assert purge(store, "stan", "one", made=True).left == ()
    assert not store.exists()


def test_a_folder_that_was_there_before_stays_empty(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    claim(store, group="stan", cluster_id="test-cluster", user=USER)
    fill(store)
    assert purge(store, "stan", made=True).left == ()
    assert [*store.iterdir()] == []
    assert purge(store, "stan", made=True) == PurgeReport()
    claim(store, group="stan", cluster_id="test-cluster", user=USER)
    assert discard_unused(store, "stan")
    assert store.is_dir()
