"""The ways in which an active node of a deployed group ends, and what has to follow on a real cluster."""

from __future__ import annotations

from collections.abc import Callable

from tests.kubernetes.cluster.running import Cluster
from tests.kubernetes.deployed_group import ACTIVE, DeployedGroup, Server


def survives_everything(
    cluster: Cluster, group: DeployedGroup, before_loss: Callable[[Server], None] = lambda active: None
) -> None:
    """Check that a group of two fails over on a pod's deletion by force, a drain and a node that is cut off.

    `before_loss` is called with the active server before its node is cut off or drained.
    """
    first = group.wait_for_one_active(2)
    assert {pod["spec"]["nodeName"] for pod in group.pods().values()} == {n.name for n in cluster.nodes}

    forced = ("--force", "--grace-period=0", "--wait=true", "--timeout=60s")
    cluster.kubectl("delete", "--namespace", group.namespace, "pod", first.pod, *forced)
    second = group.wait_for_one_active(2)
    assert second.id != first.id

    before_loss(second)
    cut_off = group.node_of(second.pod)
    cluster.cut(cut_off)
    third = group.wait_for_active_beside(second)
    assert group.server_inside(second.pod, cut_off) == second
    assert (second.state, third.state) == (ACTIVE, ACTIVE)
    cluster.connect(cut_off)
    fourth = group.wait_for_one_active(2)

    before_loss(fourth)
    left = group.node_of(fourth.pod)
    with cluster.drained(left):
        fifth = group.wait_for_one_active(2)
        assert fifth.id != fourth.id
        assert left.name not in {pod["spec"]["nodeName"] for pod in group.pods().values()}
