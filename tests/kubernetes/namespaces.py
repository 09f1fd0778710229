"""A namespace of one's own on the real cluster, and that cluster for one process alone."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from stanlocal.engine.base import Progress
from tests.kubernetes.cluster.bring_up import up
from tests.kubernetes.cluster.layout import Paths
from tests.kubernetes.cluster.locks import in_use
from tests.kubernetes.cluster.running import Cluster
from tests.kubernetes.cluster.status import Status, status
from tests.kubernetes.volumes import remove_volumes, shared_folder


@contextmanager
def own_cluster(progress: Progress) -> Iterator[Cluster]:
    """The cluster, brought up if it is not there, and used by no other process meanwhile; it stays up."""
    paths = Paths()
    if status()[0] is not Status.UP:
        up(progress)
    with in_use(paths):
        yield connected(paths)


def connected(paths: Paths) -> Cluster:
    """Return the cluster, which is up, without a node that a run that was killed has left cut off."""
    cluster = Cluster(paths)
    for node in cluster.nodes:
        cluster.connect(node)
    return cluster


@contextmanager
def own_namespace(cluster: Cluster) -> Iterator[str]:
    """A new namespace, gone at the end with all that is in it, its volumes included."""
    name = f"t-{secrets.token_hex(4)}"
    cluster.api.post("/api/v1/namespaces", {"metadata": {"name": name}})
    try:
        yield name
    finally:
        _remove(cluster, name)


def _remove(cluster: Cluster, name: str) -> None:
    for node in cluster.nodes:
        cluster.connect(node)
    # The namespace would leave the pods their grace, and look again after half of it.
    delete = ("delete", "--namespace", name, "--all", "--timeout=90s")
    cluster.kubectl(*delete, "statefulsets", "--cascade=orphan")
    cluster.kubectl(*delete, "pods", "--grace-period=1")
    cluster.kubectl("delete", "namespace", name, "--timeout=90s")
    remove_volumes(cluster, name)
    shutil.rmtree(cluster.paths.shared / shared_folder(name).lstrip("/"), ignore_errors=True)
