"""A cluster in memory, and sites on it and on the real one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.kubernetes.real_site import RealSite
from tests.kubernetes.sites import FakeSite, Site
from tests.support.fake_cluster import FakeCluster

REAL = pytest.param("real", marks=[pytest.mark.cluster, pytest.mark.timeout(300)])


@pytest.fixture
async def fake() -> AsyncIterator[FakeCluster]:
    async with FakeCluster().serving() as cluster:
        yield cluster


@pytest.fixture
def site(fake: FakeCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSite:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return FakeSite(tmp_path, fake)


@pytest.fixture(params=["fake", REAL])
def any_site(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """The cluster in memory, and the real one where there is one."""
    if request.param == "fake":
        yield request.getfixturevalue("site")
        return
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    cluster, namespace = request.getfixturevalue("cluster"), request.getfixturevalue("namespace")
    real = RealSite(tmp_path, cluster, namespace)
    yield real
    real.forget()
