"""Volumes that all nodes share, each on a folder of its own."""

from __future__ import annotations

from typing import Any

from tests.kubernetes.cluster.commands import wait_until
from tests.kubernetes.cluster.layout import HOST_ADDRESS
from tests.kubernetes.cluster.running import Cluster

_BOUND_S = 60.0
_SIZE = {"storage": "1Gi"}


def shared_folder(namespace: str) -> str:
    """Return the path of the folder, in the shared file system, of the volumes of a test."""
    return f"/exports/{namespace}"


def make_claim(cluster: Cluster, namespace: str, name: str, *, storage_class: str = "") -> None:
    """Make a claim that many pods may write, and a volume that serves it; return once it is bound.

    `storage_class` names the class that the claim asks for, which need not exist.
    """
    make_volume(cluster, namespace, name, storage_class=storage_class)
    claim = {
        "metadata": {"name": name},
        "spec": {
            **_common(storage_class),
            "resources": {"requests": _SIZE},
            "volumeName": f"{namespace}-{name}",
        },
    }
    cluster.api.post(f"/api/v1/namespaces/{namespace}/persistentvolumeclaims", claim)
    wait_for_claim(cluster, namespace, name)


def make_volume(cluster: Cluster, namespace: str, claim: str, *, storage_class: str) -> None:
    """Make a volume of 1 GiB for the claim of that name and class, as a provisioner of the class does."""
    volume = {
        "metadata": {"name": f"{namespace}-{claim}"},
        "spec": {
            **_common(storage_class),
            "capacity": _SIZE,
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"namespace": namespace, "name": claim},
            "nfs": {"server": HOST_ADDRESS, "path": f"{shared_folder(namespace)}/{claim}"},
        },
    }
    cluster.api.post("/api/v1/persistentvolumes", volume)


def _common(storage_class: str) -> dict[str, Any]:
    return {"accessModes": ["ReadWriteMany"], "storageClassName": storage_class}


def wait_for_claim(cluster: Cluster, namespace: str, name: str) -> None:
    """Return once a claim is bound: a pod that is placed earlier waits for long."""
    path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}"
    wait_until(
        lambda: bool(cluster.api.get(path)["status"].get("phase") == "Bound"), f"{name} bound", _BOUND_S
    )


def remove_volumes(cluster: Cluster, namespace: str) -> None:
    """Remove the volumes that claims of a namespace were made for."""
    for volume in cluster.api.get("/api/v1/persistentvolumes")["items"]:
        if volume["spec"].get("claimRef", {}).get("namespace") == namespace:
            cluster.api.delete(f"/api/v1/persistentvolumes/{volume['metadata']['name']}")
