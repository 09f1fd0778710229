"""A few kills of the active pod, judged as a hundred are in the evidence run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kubernetes.cluster.running import Cluster
from tests.kubernetes.real_site import RealSite
from tests.soak.cluster_kills import kill_at
from tests.soak.trial_log import Trial

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(600)]


async def test_kills_of_the_active_pod_lose_nothing(
    tmp_path: Path, cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANLOCAL_KUBERNETES__ALLOW_FAULTS", "stanlocal-*")
    result = await kill_at(RealSite(tmp_path, cluster, namespace), Trial(0, "cluster-2", 2, 3))
    assert result.problems == []
    assert result.units == 3
