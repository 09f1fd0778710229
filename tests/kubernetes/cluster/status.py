"""Looking whether the cluster is up, without changing anything."""

from __future__ import annotations

from enum import IntEnum

from tests.kubernetes.cluster import requirements
from tests.kubernetes.cluster.api import Api
from tests.kubernetes.cluster.errors import CannotRun, ClusterError
from tests.kubernetes.cluster.layout import NODES, Paths
from tests.kubernetes.cluster.sources import Built


class Status(IntEnum):
    """States of the cluster; their values are the exit codes of `status`."""

    UP = 0
    """Both nodes are ready."""
    DOWN = 3
    """It is built, and `up` takes seconds."""
    NOT_BUILT = 4
    CANNOT_RUN = 5


def status() -> tuple[Status, str]:
    """Return the state, and one line for people."""
    paths = Paths()
    try:
        requirements.check_machine()
        ready = Api(paths).ready_nodes() if paths.certificate("ca").exists() else set()
    except CannotRun as err:
        return Status.CANNOT_RUN, str(err)
    except (ClusterError, OSError) as err:
        ready, why = set(), f"; {err}"
    else:
        why = ""
    if ready >= {node.name for node in NODES}:
        return Status.UP, f"up; KUBECONFIG={paths.kubeconfig()}"
    built = Built.kept()
    if built.exists:
        return Status.DOWN, f"down; built{why}"
    return Status.NOT_BUILT, f"not built; 'scripts/test --cluster' builds it, in 7 to 15 min{why}"
