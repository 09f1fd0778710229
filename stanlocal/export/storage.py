"""The one store of all nodes on a Kubernetes cluster: a claim that many pods may write.

The store's lock is a POSIX lock on a file of this volume, so the file system has to share such locks
between machines. NFS 4 does (EFS is one); SMB does unless it is mounted with `nobrl`.
"""

from __future__ import annotations

from collections.abc import Sequence

from stanlocal.export import efs_provisioner
from stanlocal.export.objects import Object, Storage
from stanlocal.export.yamltext import Noted


def objects(storage: Storage, *, namespace: str, labels: dict[str, str], user: int) -> Sequence[Object]:
    """Return the claim and the objects that it needs, in the order of their dependencies.

    `user` is the uid and gid of the servers, which must own the files.
    """
    if storage.kind == "existing-claim":
        return []
    if storage.kind == "nfs":
        return _nfs(storage, namespace, labels)
    if storage.storage_class is not None:
        return [_claim(storage, storage.storage_class, namespace, labels, "A class that the cluster has.")]
    if storage.legacy_provisioner:
        made = efs_provisioner.objects(storage, namespace)
        return [*made, _claim(storage, efs_provisioner.CLASS, namespace, labels, _ANNOTATION)]
    name = f"{labels['app.kubernetes.io/instance']}-{storage.kind}"
    made_class = _efs_class(storage, name, user) if storage.kind == "efs" else _azure_class(name, user)
    return [made_class, _claim(storage, name, namespace, labels, _ANNOTATION)]


_ANNOTATION = "In the guide an annotation, volume.beta.kubernetes.io/storage-class."


def _claim(storage: Storage, storage_class: str, namespace: str, labels: dict[str, str], said: str) -> Object:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": storage.claim, "namespace": namespace, "labels": labels},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "storageClassName": Noted(storage_class, said),
            "resources": {"requests": {"storage": storage.size}},
        },
    }
    return claim, "The store: one volume for all nodes, which is what fault tolerance needs."


def _efs_class(storage: Storage, name: str, user: int) -> Object:
    made = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": Noted(
            "efs.csi.aws.com",
            "In the guide synadia.com/aws-efs, served by the efs-provisioner: that was retired, its image is "
            "no longer made. The Amazon EFS CSI driver is an add-on of EKS.",
        ),
        "parameters": {
            "provisioningMode": "efs-ap",
            "fileSystemId": Noted(
                storage.file_system,
                "From the EFS console. Its security group has to let the cluster's nodes reach port 2049 "
                "(eksctl names theirs ClusterSharedNodeSecurityGroup).",
            ),
            "directoryPerms": "700",
            "uid": Noted(str(user), "The servers' own: EFS shows every file of the access point as theirs."),
            "gid": str(user),
        },
        "reclaimPolicy": Noted("Retain", "Deleting the claim by mistake must not delete the messages."),
    }
    return made, "Makes an access point of an EFS file system for the claim."


def _azure_class(name: str, user: int) -> Object:
    made = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": Noted(
            "file.csi.azure.com",
            "In the guide the cluster's own class azurefile, which is still there. It is not taken because "
            "of its mount options; --storage-class azurefile takes it all the same.",
        ),
        "parameters": {"skuName": "Standard_LRS"},
        "mountOptions": Noted(
            [
                "dir_mode=0700",
                "file_mode=0600",
                f"uid={user}",
                f"gid={user}",
                "mfsymlinks",
                "cache=strict",
                "nosharesock",
                "actimeo=30",
            ],
            "Never nobrl, which guides often add: it keeps locks on the machine that takes them, so that two "
            "nodes would be active over one store.",
        ),
        "reclaimPolicy": "Retain",
        "allowVolumeExpansion": True,
    }
    return made, "Makes an Azure file share for the claim."


def _nfs(storage: Storage, namespace: str, labels: dict[str, str]) -> Sequence[Object]:
    volume = f"{namespace}-{storage.claim}"
    made = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": volume, "labels": labels},
        "spec": {
            "capacity": {"storage": storage.size},
            "accessModes": ["ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": Noted("", "None, so that no provisioner makes a volume of its own."),
            "claimRef": {"name": storage.claim, "namespace": namespace},
            "mountOptions": Noted(
                ["nfsvers=4.1", "hard"], "Version 4 frees a dead node's lock; with 3 it may stay for ever."
            ),
            "nfs": {"server": storage.nfs_server, "path": storage.nfs_path},
        },
    }
    claim, said = _claim(storage, "", namespace, labels, "None: the volume above is meant.")
    claim["spec"]["volumeName"] = volume
    return [(made, "The exported folder; it has to belong to the servers' user."), (claim, said)]
