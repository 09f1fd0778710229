"""The guide's efs-provisioner, object by object, for clusters that still run it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stanlocal.export.objects import Object, Storage
from stanlocal.export.yamltext import Noted

NAME = "efs-provisioner"
CLASS = "aws-efs"
PROVISIONER = "synadia.com/aws-efs"
IMAGE = "quay.io/external_storage/efs-provisioner:latest"

_RBAC = "rbac.authorization.k8s.io"
_LOCKING = f"leader-locking-{NAME}"


def objects(storage: Storage, namespace: str) -> Sequence[Object]:
    """Return the account, rights, settings, the provisioner itself and its class."""
    subject = {"kind": "ServiceAccount", "name": NAME, "namespace": namespace}
    return [
        (
            _object("v1", "ServiceAccount", NAME, namespace),
            "The efs-provisioner as the guide has it. It was retired in 2020; where it does not run "
            "yet, leave out --legacy-provisioner for the CSI driver that replaced it.",
        ),
        (
            _object(f"{_RBAC}/v1", "ClusterRole", f"{NAME}-runner", None, rules=_CLUSTER_RULES),
            "Lets it make and remove volumes.",
        ),
        (
            _object(
                f"{_RBAC}/v1",
                "ClusterRoleBinding",
                f"run-{NAME}",
                None,
                subjects=[subject],
                roleRef={"kind": "ClusterRole", "name": f"{NAME}-runner", "apiGroup": _RBAC},
            ),
            "",
        ),
        (
            _object(
                f"{_RBAC}/v1",
                "Role",
                _LOCKING,
                namespace,
                rules=[_rule("", "endpoints", "get list watch create update patch")],
            ),
            "Lets several of them agree on one that acts.",
        ),
        (
            _object(
                f"{_RBAC}/v1",
                "RoleBinding",
                _LOCKING,
                namespace,
                subjects=[subject],
                roleRef={"kind": "Role", "name": _LOCKING, "apiGroup": _RBAC},
            ),
            "",
        ),
        (
            _object(
                "v1",
                "ConfigMap",
                NAME,
                namespace,
                data={
                    "file.system.id": storage.file_system,
                    "aws.region": storage.region,
                    "provisioner.name": PROVISIONER,
                    "dns.name": "",
                },
            ),
            "Which file system it serves.",
        ),
        (_object("apps/v1", "Deployment", NAME, namespace, spec=_deployment(storage)), ""),
        (
            {
                "apiVersion": "storage.k8s.io/v1",
                "kind": "StorageClass",
                "metadata": {"name": CLASS},
                "provisioner": PROVISIONER,
            },
            "The class by which the claim finds it.",
        ),
    ]


def _object(api: str, kind: str, name: str, namespace: str | None, **content: Any) -> dict[str, Any]:
    metadata = {"name": name} if namespace is None else {"name": name, "namespace": namespace}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **content}


def _rule(group: str, resource: str, verbs: str) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": [resource], "verbs": verbs.split()}


_CLUSTER_RULES = [
    _rule("", "persistentvolumes", "get list watch create delete"),
    _rule("", "persistentvolumeclaims", "get list watch update"),
    _rule("storage.k8s.io", "storageclasses", "get list watch"),
    _rule("", "events", "create update patch"),
]


def _deployment(storage: Storage) -> dict[str, Any]:
    labels = {"app": NAME}
    variables = {
        "FILE_SYSTEM_ID": "file.system.id",
        "AWS_REGION": "aws.region",
        "DNS_NAME": "dns.name",
        "PROVISIONER_NAME": "provisioner.name",
    }
    return {
        "replicas": 1,
        "selector": {"matchLabels": labels},
        "strategy": {"type": "Recreate"},
        "template": {
            "metadata": {"labels": labels},
            "spec": {
                "serviceAccountName": NAME,
                "containers": [
                    {
                        "name": NAME,
                        "image": IMAGE,
                        "env": [
                            {"name": name, "valueFrom": {"configMapKeyRef": {"name": NAME, "key": key}}}
                            for name, key in variables.items()
                        ],
                        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
                        "volumeMounts": [{"name": "pv-volume", "mountPath": "/efs"}],
                    }
                ],
                "volumes": [
                    {
                        "name": "pv-volume",
                        "nfs": {
                            "server": Noted(
                                f"{storage.file_system}.efs.{storage.region}.amazonaws.com",
                                "The file system's DNS name.",
                            ),
                            "path": "/",
                        },
                    }
                ],
            },
        },
    }
