"""Reasons why parts of Kubernetes objects have no place in a local group."""

from __future__ import annotations

from collections.abc import Mapping

from stanlocal.imports.walk import Path

_CLUSTER_STORAGE = "the store is a folder of this machine; choose it with --store-dir"
_NAMES = "nodes are named <group>-0, <group>-1, …; choose the group's name with --group"
_RIGHTS = "the servers need no rights in a cluster"
_PLACEMENT = "all nodes run on this machine"

KINDS: Mapping[str, str] = {
    "Service": "ports are published on 127.0.0.1, and nodes know each other by name",
    "PersistentVolumeClaim": _CLUSTER_STORAGE,
    "PersistentVolume": _CLUSTER_STORAGE,
    "StorageClass": _CLUSTER_STORAGE,
    "ServiceAccount": _RIGHTS,
    "ClusterRole": _RIGHTS,
    "ClusterRoleBinding": _RIGHTS,
    "Role": _RIGHTS,
    "RoleBinding": _RIGHTS,
    "Namespace": _NAMES,
    "PodDisruptionBudget": "nothing drains machines here; use 'stanlocal kill' and 'stanlocal stop'",
    "Secret": "give secrets as STANLOCAL_… variables or files; see 'stanlocal config'",
    "ConfigMap": "no server reads it",
    **dict.fromkeys(
        (
            *("Deployment", "StatefulSet", "Pod", "DaemonSet", "ReplicaSet", "ReplicationController"),
            *("DeploymentConfig", "Job", "CronJob", "Rollout", "PodTemplate"),
        ),
        "it does not run nats-streaming",
    ),
    "ServiceMonitor": "'stanlocal metrics' serves the metrics",
    "PodMonitor": "'stanlocal metrics' serves the metrics",
    "NetworkPolicy": "the nodes' routes have a network of their own",
}
OWNED = "another object of the file makes it"
UNKNOWN_KIND = "stanlocal has no counterpart for it"
OTHER_CONTAINER = "only the server runs here; 'stanlocal metrics' serves what an exporter would"

CONFIG_MAP: Mapping[Path, str] = {
    ("metadata",): _NAMES,
    ("data", "*"): "the server does not read it",
    ("stringData", "*"): "the server does not read it",
    ("type",): "it is a file of the server's here",
    ("binaryData",): "the server does not read it",
}


def of_workload(pod: Path, server: Path) -> Mapping[Path, str]:
    """Return the reasons for a workload whose pod and server container are at these paths."""
    return {
        ("metadata",): _NAMES,
        ("status",): "it is the cluster's",
        ("spec", "selector"): "stanlocal finds its nodes by labels of its own",
        ("spec", "serviceName"): _NAMES,
        ("spec", "podManagementPolicy"): "the first node is started first, then all others",
        ("spec", "updateStrategy"): "'stanlocal up' replaces standbys first, the active last",
        ("spec", "volumeClaimTemplates"): (
            "it would give each node a store of its own; an FT group has one for all, a folder here"
        ),
        ("spec", "template", "metadata"): "stanlocal finds its nodes by labels of its own",
        (
            *pod,
            "terminationGracePeriodSeconds",
        ): "nodes get 30 s to stop; 'stanlocal stop --timeout' says else",
        (*pod, "volumes"): _CLUSTER_STORAGE,
        (*pod, "affinity"): _PLACEMENT,
        (*pod, "nodeSelector"): _PLACEMENT,
        (*pod, "tolerations"): _PLACEMENT,
        (*pod, "topologySpreadConstraints"): _PLACEMENT,
        (*pod, "securityContext"): "nodes run as the caller, without capabilities, on a read-only system",
        (*pod, "serviceAccountName"): _RIGHTS,
        (*pod, "automountServiceAccountToken"): _RIGHTS,
        (*pod, "enableServiceLinks"): "there are no services here",
        (*server, "image"): "an image is code, which a file cannot choose; take it with --image",
        (*server, "imagePullPolicy"): "an image that the engine has is taken as it is",
        (*server, "env"): "stan.conf took what it refers to; the rest is set by Kubernetes for each pod",
        (*server, "ports"): "client and monitor ports are published on 127.0.0.1; choose with --port",
        (*server, "volumeMounts"): _CLUSTER_STORAGE,
        (*server, "resources"): "nodes take what this machine has",
        (
            *server,
            "livenessProbe",
        ): "stanlocal reads logs and monitor itself; 'stanlocal up --attach' restarts",
        (*server, "readinessProbe"): "stanlocal reads logs and monitor itself",
        (*server, "startupProbe"): "stanlocal reads logs and monitor itself",
        (*server, "securityContext"): "nodes run as the caller, without capabilities, on a read-only system",
    }
