"""The text of `export kubernetes`, applied to a real cluster."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.kubernetes.cluster.layout import HOST_ADDRESS
from tests.kubernetes.cluster.running import Cluster
from tests.kubernetes.deployed_group import ACTIVE, DeployedGroup
from tests.kubernetes.volumes import make_claim, shared_folder, wait_for_claim
from tests.support.cli import Cli

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

_CLAIM = "stan-store"


@pytest.fixture(params=["existing-claim", "nfs"])
def storage(request: pytest.FixtureRequest, cluster: Cluster, namespace: str) -> Sequence[str]:
    """The options of the export for each storage, whose volume the cluster serves."""
    if request.param == "existing-claim":
        make_claim(cluster, namespace, _CLAIM)
        return ("--storage", "existing-claim")
    server = ("--nfs-server", HOST_ADDRESS, "--nfs-path", shared_folder(namespace))
    return ("--storage", "nfs", *server, "--storage-size", "1Gi")


def test_an_exported_group_fails_over_and_serves_twice_while_the_node_of_its_active_is_cut_off(
    cluster: Cluster, namespace: str, storage: Sequence[str], tmp_path: Path
) -> None:
    """It comes up on both nodes, survives a pod's deletion by force, and a cable; nothing is left of it."""
    export = ("export", "kubernetes", "--name", "stan", "--namespace", namespace, "--nodes", "2")
    text = Cli(tmp_path).ok(*export, *storage)
    cluster.kubectl("apply", "--filename=-", stdin=text)
    wait_for_claim(cluster, namespace, _CLAIM)
    group = DeployedGroup(cluster, namespace)
    first = group.wait_for_one_active(2)
    assert {pod["spec"]["nodeName"] for pod in group.pods().values()} == {n.name for n in cluster.nodes}

    delete = ("delete", "--namespace", namespace, "--wait=true", "--timeout=60s")
    cluster.kubectl(*delete, "pod", first.pod, "--force", "--grace-period=0")
    second = group.wait_for_one_active(2)
    assert second.id != first.id

    cut_off = group.node_of(second.pod)
    cluster.cut(cut_off)
    third = group.wait_for_active_beside(second)
    assert group.server_inside(second.pod, cut_off) == second
    assert (second.state, third.state) == (ACTIVE, ACTIVE)

    cluster.connect(cut_off)
    group.wait_for_one_active(2)

    cluster.kubectl(*delete, "--cascade=foreground", "--filename=-", stdin=text)
    assert group.pods() == {}
