"""A store whose lock some process holds is neither deleted nor replaced nor copied."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stanlocal.errors import StoreRefused
from stanlocal.machine.locks import LockView
from stanlocal.store.guard import holder
from stanlocal.store.guard.claim import claim
from stanlocal.store.guard.holder import kept_from_servers
from stanlocal.store.guard.purge import discard_unused, purge
from stanlocal.store.layout import lock_file
from tests.support.lock_holders import holding_lock
from tests.unit.store.trees import USER, fill, snapshot

_TAKE = """
import fcntl, sys
fcntl.lockf(open(sys.argv[1], "a+"), fcntl.LOCK_EX | fcntl.LOCK_NB)
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "store"
    claim(path, group="stan", cluster_id="test-cluster", user=USER)
    fill(path)
    return path


def test_a_store_in_use_is_not_purged_and_the_process_is_named(store: Path) -> None:
    before = snapshot(store)
    with (
        holding_lock(store) as pid,
        pytest.raises(StoreRefused, match=f"deleted: process {pid} .*has the lock"),
    ):
        purge(store, "stan", made=True)
    assert snapshot(store) == before
    assert purge(store, "stan", made=True).left == ()
    assert not store.exists()


def test_an_unused_store_that_a_server_has_just_taken_is_not_discarded(tmp_path: Path) -> None:
    path = tmp_path / "store"
    claim(path, group="stan", cluster_id="test-cluster", user=USER)
    with holding_lock(path):
        assert not discard_unused(path, "stan")
    assert lock_file(path).exists()


def test_a_holder_that_the_kernel_does_not_show_here_refuses_too(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only locks of its own processes show inside a container."""
    monkeypatch.setattr(holder, "lock_holder", lambda file: LockView(visible=False))
    with holding_lock(store), pytest.raises(StoreRefused, match="a process that cannot be seen from here"):
        purge(store, "stan", made=True)
    assert lock_file(store).exists()


def test_no_server_gets_the_lock_meanwhile(store: Path) -> None:
    take = [sys.executable, "-c", _TAKE, str(lock_file(store))]
    with kept_from_servers(store, "nothing happened"):
        assert subprocess.run(take, stderr=subprocess.DEVNULL, check=False).returncode == 1
    assert subprocess.run(take, check=False).returncode == 0


def test_a_store_without_a_lock_file_has_no_holder(store: Path) -> None:
    lock_file(store).unlink()
    with kept_from_servers(store, "nothing happened"):
        assert not lock_file(store).exists()


def test_a_link_in_the_place_of_the_lock_file_is_not_followed(store: Path, tmp_path: Path) -> None:
    lock_file(store).unlink()
    lock_file(store).symlink_to(tmp_path / "target")
    with kept_from_servers(store, "nothing happened"):
        assert not (tmp_path / "target").exists()


def test_a_process_that_has_ended_is_named_by_its_pid(tmp_path: Path) -> None:
    assert holder.describe_process(4194305, tmp_path) == "process 4194305"
