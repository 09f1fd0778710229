"""Claims of the cluster in memory: each is bound to its volume, or to one that is made of its class."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.fake_cluster import FakeCluster, Json

PLURALS = {
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "PersistentVolume": "persistentvolumes",
    "StorageClass": "storageclasses",
}
OF_NO_NAMESPACE = frozenset({"PersistentVolume", "StorageClass"})
_CLASS = "volume.beta.kubernetes.io/storage-class"


def bind(cluster: FakeCluster, claim: Json) -> None:
    """Bind a claim that is about to be stored, as a provisioner of its class does."""
    spec, metadata = claim["spec"], claim["metadata"]
    spec.setdefault("volumeName", f"pvc-{metadata['name']}")
    claim["status"] = {"phase": "Bound"}
    if ("persistentvolumes", "", spec["volumeName"]) in cluster.objects:
        return
    wanted = spec.get("storageClassName") or metadata.get("annotations", {}).get(_CLASS, "")
    made_of = cluster.objects.get(("storageclasses", "", wanted), {})
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": spec["volumeName"]},
        "spec": {
            "accessModes": spec["accessModes"],
            "storageClassName": wanted,
            "mountOptions": made_of.get("mountOptions", []),
            "csi": {"driver": made_of.get("provisioner", "example.com/any")},
        },
    }
    cluster.put("persistentvolumes", "", volume)
