"""The cluster that other tests run on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.kubernetes.cluster import control_plane
from tests.kubernetes.cluster.bring_up import up
from tests.kubernetes.cluster.errors import ClusterError
from tests.kubernetes.cluster.layout import HOST_ADDRESS, Node
from tests.kubernetes.cluster.running import Cluster

pytestmark = pytest.mark.cluster

_LOCK = "import fcntl, sys; file = open(sys.argv[1], 'a'); fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)"
_HOLD = f"{_LOCK}; print('locked', flush=True); sys.stdin.read()"


def test_up_starts_what_has_ended_and_leaves_what_runs(cluster: Cluster) -> None:
    running = {name: cluster.pid(name) for name in ("etcd", "kubelet-0", "containerd-1", "glusterfsd")}
    assert None not in running.values()
    cluster.end(control_plane.DNS)
    assert cluster.pid(control_plane.DNS) is None
    up(lambda line: None)
    assert cluster.pid(control_plane.DNS) is not None
    assert {name: cluster.pid(name) for name in running} == running


@pytest.fixture
def mounted(cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[dict[tuple[int, str], Path]]:
    """Two shared folders on each node: where they are, by the node's index and the folder's name."""
    with ExitStack() as stack:
        found = {}
        for node in cluster.nodes:
            for name in ("one", "other"):
                at = tmp_path / f"{node.index}-{name}"
                at.mkdir()
                source = f"{HOST_ADDRESS}:/exports/{namespace}/{name}"
                cluster.inside(node, "mount", "-t", "nfs", "-o", "nfsvers=4.1,hard", source, str(at))
                stack.callback(cluster.inside, node, "umount", str(at))
                found[node.index, name] = at
        yield found


def test_each_shared_folder_is_one_on_all_nodes_locks_included_and_apart_from_others(
    cluster: Cluster, mounted: dict[tuple[int, str], Path]
) -> None:
    first, second = cluster.nodes
    with cluster.running_inside(first, sys.executable, "-c", _HOLD, str(mounted[0, "one"] / "lock")) as held:
        assert held.stdout is not None
        assert held.stdout.readline() == "locked\n"
        with pytest.raises(ClusterError, match="BlockingIOError"):
            _lock(cluster, second, mounted[1, "one"])
        _lock(cluster, second, mounted[1, "other"])
    _lock(cluster, second, mounted[1, "one"])


def _lock(cluster: Cluster, node: Node, folder: Path) -> None:
    """Take the lock of a file in the folder, from a node, or raise `ClusterError`."""
    cluster.inside(node, sys.executable, "-c", _LOCK, str(folder / "lock"))
