"""Facts that throw-away servers find about an engine: where ports are, and whether locks exclude others."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from stanlocal.api import FTGroup
from stanlocal.engine.docker import lock_trial, placement_trial
from stanlocal.engine.docker.api import Api
from stanlocal.engine.docker.endpoint import CALL_TIMEOUT_S, find, sdk_client
from stanlocal.engine.docker.labels import GROUP, OWNER
from stanlocal.engine.docker.reach import PublishedAddress
from stanlocal.engine.docker.transport import Transport
from stanlocal.errors import EngineUnavailable, NameConflict, StoreRefused
from stanlocal.model.placement import Placement
from stanlocal.model.plan import VOLUME_DIR
from tests.contract.rigs import DockerRig
from tests.support.census import NOTHING, take

pytestmark = pytest.mark.docker


@pytest.fixture
async def rig(
    request: pytest.FixtureRequest, tmp_path: Path, group_name: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[DockerRig]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rig = DockerRig(request, tmp_path, group_name)
    yield rig
    assert take(rig.client, prefix=group_name) == NOTHING, "trials leave nothing"
    await rig.close()


class Recording(Api):
    """The engine's API; what is asked of it is counted."""

    def __init__(self, *, apart: bool = False) -> None:
        endpoint, answer = find(os.environ, Path.home())
        transport = Transport(endpoint.target, answer.api_version, CALL_TIMEOUT_S)
        super().__init__(transport, lambda: sdk_client(endpoint, answer))
        self._apart = apart
        self.made: list[str] = []

    def create(self, name: str, description: Mapping[str, Any]) -> str:
        """Make the container; with `apart`, it has its own memory for a store, so each gets the lock."""
        self.made.append(name)
        if self._apart:
            apart = {"Mounts": [], "VolumesFrom": [], "Tmpfs": {VOLUME_DIR: "mode=1777"}}
            description = {**description, "HostConfig": {**description["HostConfig"], **apart}}
        return super().create(name, description)

    def put_archive(self, container: str, folder: str, archive: Any) -> None:
        """Copy; memory is mounted once a container runs, so its servers may make the store themselves."""
        if not self._apart:
            super().put_archive(container, folder, archive)


def _labels(rig: DockerRig) -> dict[str, str]:
    return {GROUP: rig.group, OWNER: str(os.getuid())}


async def test_a_local_engine_publishes_on_the_loopback_and_sees_folders(
    rig: DockerRig, tmp_path: Path
) -> None:
    for _ in range(2):
        assert await rig.engine.place(rig.group, rig.image, tmp_path) == Placement("docker")
    assert not (tmp_path / "probe").exists()


async def test_a_lock_that_keeps_others_out_is_tried_once(rig: DockerRig, tmp_path: Path) -> None:
    plan, api = rig.plan(), Recording()
    for _ in range(2):
        lock_trial.check(api, plan, _labels(rig))
    assert api.made == [f"{rig.group}-lock-a", f"{rig.group}-lock-b"]
    assert [path.name for path in Path(plan.store_dir).parent.iterdir() if "probe" in path.name] == []


async def test_a_lock_that_is_granted_twice_is_refused_each_time(rig: DockerRig) -> None:
    plan, api = rig.plan(), Recording(apart=True)
    for _ in range(2):
        with pytest.raises(StoreRefused, match="was granted to two containers at once"):
            lock_trial.check(api, plan, _labels(rig))
    assert len(api.made) == 4


async def test_leftovers_of_a_killed_tool_go_with_the_next_trial_or_the_group(
    rig: DockerRig, tmp_path: Path
) -> None:
    left = f"{rig.group}-probe"
    rig.client.containers.create(rig.image, name=left, labels=_labels(rig))
    await rig.engine.place(rig.group, rig.image, tmp_path)
    rig.client.containers.create(rig.image, name=left, labels=_labels(rig))
    await rig.engine.clean(rig.group)


async def test_a_foreign_container_of_that_name_stays(rig: DockerRig, tmp_path: Path) -> None:
    foreign = rig.client.containers.create(rig.image, name=f"{rig.group}-probe")
    try:
        with pytest.raises(NameConflict, match="was not made by stanlocal for you"):
            await rig.engine.place(rig.group, rig.image, tmp_path)
        await rig.engine.clean(rig.group)
        foreign.reload()
    finally:
        foreign.remove()


async def test_unreachable_ports_are_reported_with_the_reason_for_each_way(
    rig: DockerRig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placement_trial, "_ANSWERS_WITHIN_S", 0.1)
    nowhere = (PublishedAddress("127.0.0.1", "127.0.0.2"), PublishedAddress("192.0.2.77", "192.0.2.77"))
    monkeypatch.setattr(placement_trial, "published_addresses", lambda *_: nowhere)
    with pytest.raises(EngineUnavailable) as refused:
        await rig.engine.place(rig.group, rig.image, tmp_path)
    assert "127.0.0.2: no answer; 192.0.2.77: driver failed" in str(refused.value)
    assert "cannot assign requested address" in str(refused.value)


async def test_leftovers_of_a_tool_killed_in_a_trial_are_purged_with_the_group(
    tmp_path: Path, group_name: str, server_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    home = tmp_path / "stanlocal" / group_name
    async with FTGroup(group=group_name, engine="docker", nodes=1, purge=True):
        (home / "probe").mkdir()
        (home / ".store.stanlocal-probe/store").mkdir(parents=True)
    assert not home.exists()
