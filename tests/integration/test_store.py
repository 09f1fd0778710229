"""The store's guard and the real server: neither disturbs the other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stanlocal.errors import StoreRefused
from stanlocal.machine.locks import LOCK_FILE
from stanlocal.monitor.client import fetch
from stanlocal.store.guard.claim import claim
from stanlocal.store.guard.content import StoreKind, inspect_store
from stanlocal.store.guard.purge import discard_unused, purge
from tests.support.server import running

pytestmark = pytest.mark.server

USER = f"{os.geteuid()}:{os.getegid()}"


async def test_a_store_that_a_server_used_is_known_by_its_cluster_id_and_purged_whole(
    server_binary: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    claim(store, group="stan", cluster_id="mine", user=USER)
    with running(server_binary, store, cluster_id="mine") as server:
        server.wait_for("Streaming Server is ready")
        channels = await fetch(server.monitor_url, "/streaming/channelsz", 5)
        assert channels["count"] == 0  # the marker is none
    state = inspect_store(store)
    assert (state.kind, state.cluster_id) == (StoreKind.MARKED, "mine")
    with pytest.raises(StoreRefused, match=r"'mine', the group's is 'other'"):
        claim(store, group="stan", cluster_id="other", user=USER)
    assert not discard_unused(store, "stan")
    assert purge(store, "stan", made=True).left == ()
    assert not store.exists()


def test_a_store_on_which_no_server_became_active_is_unused(server_binary: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    claim(store, group="stan", cluster_id="mine", user=USER)
    with running(server_binary, store, cluster_id="mine") as server:
        server.wait_for("Starting in standby mode")
    (store / LOCK_FILE).touch()  # it may or may not have tried the lock by then
    assert discard_unused(store, "stan")
    assert not store.exists()
