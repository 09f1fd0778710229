"""Rights to use a folder as a store; a refusal changes nothing."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.errors import StoreRefused
from stanlocal.store.guard.claim import claim
from stanlocal.store.guard.content import StoreKind, inspect_store
from stanlocal.store.guard.marker import VERSION, Marker, write_marker
from stanlocal.store.layout import MARKER_FILE, lock_file
from tests.unit.store.trees import USER, fill, server_file, snapshot

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")


def use(path: Path, *, group: str = "stan", cluster_id: str = "test-cluster", user: str = USER) -> Marker:
    return claim(path, group=group, cluster_id=cluster_id, user=user).marker


def test_a_missing_folder_is_made_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "a" / "store"
    assert inspect_store(path).kind is StoreKind.ABSENT
    claimed = claim(path, group="stan", cluster_id="test-cluster", user=USER)
    assert (claimed.path, claimed.new, claimed.marker.adopted) == (path, True, False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert snapshot(path).keys() == {MARKER_FILE}
    assert inspect_store(path).marker == claimed.marker


def test_a_claim_again_changes_nothing(tmp_path: Path) -> None:
    first = use(tmp_path / "store")
    before = snapshot(tmp_path)
    again = claim(tmp_path / "store", group="stan", cluster_id="test-cluster", user=USER)
    assert (again.marker, again.new) == (first, False)
    assert snapshot(tmp_path) == before


def test_an_empty_folder_is_used_and_not_adopted(tmp_path: Path) -> None:
    assert inspect_store(tmp_path).kind is StoreKind.EMPTY
    assert not use(tmp_path).adopted


def test_the_marker_that_a_killed_claim_left_unfinished_does_not_count(tmp_path: Path) -> None:
    (tmp_path / f"{MARKER_FILE}.0123456789abcdef").write_text('{"gro')
    assert inspect_store(tmp_path).kind is StoreKind.EMPTY
    assert not use(tmp_path).adopted


def test_a_store_of_the_server_is_adopted(tmp_path: Path) -> None:
    fill(tmp_path)
    state = inspect_store(tmp_path)
    assert (state.kind, state.cluster_id, state.marker) == (StoreKind.STORE, "test-cluster", None)
    assert use(tmp_path).adopted
    assert inspect_store(tmp_path).kind is StoreKind.MARKED


def test_a_store_that_was_never_active_is_adopted(tmp_path: Path) -> None:
    lock_file(tmp_path).touch()
    assert use(tmp_path).adopted


def make_file(path: Path) -> None:
    path.touch()


def make_foreign(path: Path) -> None:
    path.mkdir()
    (path / "thesis.txt").write_text("years")


def make_foreign_server_file(path: Path) -> None:
    path.mkdir()
    (path / "server.dat").write_text("of a game")


def make_fresh_file_system(path: Path) -> None:
    (path / "lost+found").mkdir(parents=True)


def make_other_group(path: Path) -> None:
    use(path, group="other")


def make_other_cluster(path: Path) -> None:
    fill(path, "prod")


def make_ours_of_other_cluster(path: Path) -> None:
    use(path)
    (path / "server.dat").write_bytes(server_file("prod"))


def make_no_marker(path: Path) -> None:
    path.mkdir()
    (path / MARKER_FILE).write_text("{}")


def make_later_marker(path: Path) -> None:
    path.mkdir()
    marker = {"group": "stan", "created": "", "adopted": False, "version": VERSION + 1}
    (path / MARKER_FILE).write_text(json.dumps(marker))


def make_hostile_names(path: Path) -> None:
    path.mkdir()
    (path / "a\nb\x1b[31m").touch()
    (path / os.fsdecode(b"\xff")).touch()


def make_below_a_file(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(path.parent / "file" / "store")
    (path.parent / "file").touch()


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (make_file, "is not a folder"),
        (make_below_a_file, "is not a folder"),
        (make_foreign, "not a store of the server (it holds thesis.txt"),
        (make_foreign_server_file, "not a store of the server (it holds server.dat"),
        (make_fresh_file_system, "not a store of the server (it holds lost+found"),
        (make_other_group, "is the store of the group 'other'"),
        (make_other_cluster, "under the cluster id 'prod', the group's is 'test-cluster'"),
        (make_ours_of_other_cluster, "under the cluster id 'prod', the group's is 'test-cluster'"),
        (make_no_marker, "is not a marker of stanlocal"),
        (make_later_marker, "by a later version of stanlocal"),
        (make_hostile_names, r"(it holds a\nb\x1b[31m, \udcff"),
    ],
)
def test_an_unusable_folder_is_refused_in_one_line_and_left_as_it_was(
    tmp_path: Path, make: Callable[[Path], None], why: str
) -> None:
    make(tmp_path / "store")
    before = snapshot(tmp_path)
    with pytest.raises(StoreRefused, match=re.escape(why)) as raised:
        use(tmp_path / "store")
    assert "--store-dir" in str(raised.value)
    assert str(raised.value).isprintable()
    assert snapshot(tmp_path) == before


def test_a_symbolic_link_to_a_folder_is_that_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "store")
    assert claim(tmp_path / "link", group="a", cluster_id="c", user=USER).path == tmp_path / "store"
    with pytest.raises(StoreRefused, match="of the group 'a'"):
        use(tmp_path / "store", group="b")


def test_a_marker_that_is_a_symbolic_link_does_not_count(tmp_path: Path) -> None:
    use(tmp_path / "mine")
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / MARKER_FILE).symlink_to(tmp_path / "mine" / MARKER_FILE)
    with pytest.raises(StoreRefused):
        use(tmp_path / "store")


def test_a_pipe_in_place_of_the_servers_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "server.dat")
    assert inspect_store(tmp_path).kind is StoreKind.FOREIGN


def test_one_of_two_simultaneous_groups_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other gets in after the look and before the marker."""

    def beaten(folder: int, marker: Marker) -> None:
        write_marker(folder, Marker(group="other", created="", adopted=False))
        write_marker(folder, marker)

    monkeypatch.setattr("stanlocal.store.guard.claim.write_marker", beaten)
    with pytest.raises(StoreRefused, match="another group has just taken"):
        use(tmp_path)
    assert snapshot(tmp_path).keys() == {MARKER_FILE}
    state = inspect_store(tmp_path)
    assert state.marker is not None
    assert state.marker.group == "other"


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreRefused, match=r"cannot use .* \(No space left on device\)"):
        use(tmp_path / "store")
    assert snapshot(tmp_path) == {}


def test_a_folder_that_the_servers_cannot_write_is_refused_with_the_cure(tmp_path: Path) -> None:
    uid = os.geteuid() + 12345
    tmp_path.chmod(0o755)
    (tmp_path / ".rootdir.lck").touch()
    with pytest.raises(StoreRefused, match=rf"cannot be written by uid {uid}.*chown -R {uid}:7 {tmp_path}"):
        use(tmp_path, user=f"{uid}:7")


@pytest.mark.parametrize(
    ("mode", "user", "may"),
    [
        (0o700, "{uid}:{other}", True),
        (0o500, "{uid}:{gid}", False),
        (0o770, "{other}:{gid}", True),
        (0o750, "{other}:{gid}", False),
        (0o707, "{other}:{other}", True),
        (0o705, "{other}:{other}", False),
        (0o706, "{other}:{other}", False),
    ],
)
def test_whether_the_servers_can_write_goes_by_owner_group_and_mode(
    tmp_path: Path, mode: int, user: str, may: bool
) -> None:
    if os.geteuid() == 0:
        os.chown(tmp_path, 4321, 4321)
    lock_file(tmp_path).touch()  # not empty, so that root does not give it away
    lock_file(tmp_path).chmod(0o666)
    status = tmp_path.stat()
    tmp_path.chmod(mode)
    who = user.format(uid=status.st_uid, gid=status.st_gid, other=54321)
    if os.geteuid() != 0 and not may and "uid" in user:
        pytest.skip("the caller could not look into it either")
    if may:
        assert use(tmp_path, user=who).adopted
    else:
        with pytest.raises(StoreRefused, match="cannot be written"):
            use(tmp_path, user=who)


@as_root
def test_root_gives_a_new_or_empty_folder_to_the_servers_user(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "new"):
        use(tmp_path / name, user="65532:65533")
        status = (tmp_path / name).stat()
        assert (status.st_uid, status.st_gid) == (65532, 65533)
        use(tmp_path / name, user="65532:65533")


@as_root
def test_root_gives_away_no_folder_of_another_user(tmp_path: Path) -> None:
    os.chown(tmp_path, 1234, 1234)
    tmp_path.chmod(0o700)
    with pytest.raises(StoreRefused, match="belongs to uid 1234"):
        use(tmp_path, user="65532:65532")
    assert tmp_path.stat().st_uid == 1234


@as_root
def test_an_existing_store_keeps_its_owner(tmp_path: Path) -> None:
    fill(tmp_path)
    with pytest.raises(StoreRefused, match="chown -R 65532:65532"):
        use(tmp_path, user="65532:65532")
    assert tmp_path.stat().st_uid == 0


def test_a_rootless_engines_root_is_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4321)
    lock_file(tmp_path).touch()
    tmp_path.chmod(0o755)
    with pytest.raises(StoreRefused, match="cannot be written by uid 4321"):
        use(tmp_path, user="0:0")


@given(st.binary(max_size=300) | st.text().map(str.encode) | st.just(b"[" * 4000))
def test_any_content_of_the_marker_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("store")
    (path / MARKER_FILE).write_bytes(data)
    with pytest.raises(StoreRefused, match="not a marker"):
        use(path)
    assert (path / MARKER_FILE).read_bytes() == data


def test_a_group_of_the_same_name_from_another_state_folder_is_refused(tmp_path: Path) -> None:
    store = tmp_path / "store"
    claim(store, group="stan", cluster_id="c", user=USER, group_id="one")
    before = snapshot(tmp_path)
    for other in ("two", None):
        with pytest.raises(StoreRefused, match="another group 'stan', from another state folder"):
            claim(store, group="stan", cluster_id="c", user=USER, group_id=other)
    assert snapshot(tmp_path) == before
    assert not claim(store, group="stan", cluster_id="c", user=USER, group_id="one").new


def test_a_marker_of_version_1_is_given_the_id_of_the_first_group_that_claims_it(tmp_path: Path) -> None:
    old = {"group": "stan", "created": "2026-11-23T04:33:39Z", "adopted": True, "version": 1}
    (tmp_path / MARKER_FILE).write_text(json.dumps(old))
    marker = claim(tmp_path, group="stan", cluster_id="c", user=USER, group_id="one").marker
    assert (marker.id, marker.created, marker.adopted) == ("one", old["created"], True)
    assert inspect_store(tmp_path).marker == marker
    with pytest.raises(StoreRefused, match="from another state folder"):
        claim(tmp_path, group="stan", cluster_id="c", user=USER, group_id="two")


def test_a_marker_with_an_id_that_is_no_text_is_refused(tmp_path: Path) -> None:
    odd = {"group": "stan", "created": "", "adopted": False, "id": 5}
    (tmp_path / MARKER_FILE).write_text(json.dumps(odd))
    with pytest.raises(StoreRefused, match="is not a marker of stanlocal"):
        claim(tmp_path, group="stan", cluster_id="c", user=USER, group_id="one")
