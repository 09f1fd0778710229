"""The pod of the StatefulSet: the server, and beside it the exporter of its metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stanlocal.export.secrets import Secret
from stanlocal.export.yamltext import Noted
from stanlocal.render.container_spec import Container, NodeContainer

METRICS_PORT = 7777
METRICS_IMAGE = "natsio/prometheus-nats-exporter:0.16.0"
"""The last release that knows NATS Streaming: 0.17.0 dropped -channelz and -serverz."""
CPU = "250m"
MEMORY = "512Mi"
MEMORY_LIMIT = "2Gi"
"""CPU and memory that each server asks for, and memory that it may have."""
METRICS_RESOURCES = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}}
SERVER_USER = 65532
"""Uid and gid of the servers: an unprivileged user, as in distroless images."""

STORE_MOUNT = "/data/stan"
"""Mount path of the volume with the store's folder (the guide's)."""


@dataclass(frozen=True, slots=True)
class PodSpec:
    """The parameters of a pod."""

    name: str
    """Name of the StatefulSet and its Service."""
    container: NodeContainer
    """The server's container, as the Docker engine would make it."""
    claim: str
    ports: Mapping[str, int]
    """Ports that the server listens on, by name; `monitor` is always among them."""
    metrics_image: str
    cpu: str
    memory: str
    memory_limit: str
    secrets: Sequence[Secret]
    files_dir: str | None
    """Folder of the files that options name; None when there are none."""
    user: int = SERVER_USER


def pod_template(spec: PodSpec) -> dict[str, Any]:
    """Return the template's spec; its metadata is up to the caller."""
    pod = {
        "terminationGracePeriodSeconds": spec.container.stop_grace_s,
        "automountServiceAccountToken": Noted(False, "The servers have no business with the cluster itself."),
        "enableServiceLinks": False,
        "securityContext": Noted(
            {
                "runAsNonRoot": True,
                "runAsUser": spec.user,
                "runAsGroup": spec.user,
                "fsGroup": spec.user,
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "Not in the guide, like those of the containers: the same as stanlocal runs them with.",
        ),
        "affinity": Noted(
            apart(spec.name),
            "Not in the guide: a standby on the active's machine fails with it.",
        ),
        "containers": [_server(spec), _metrics(spec)],
        "volumes": _volumes(spec),
    }
    return {"metadata": {}, "spec": pod}


def apart(name: str) -> dict[str, Any]:
    """Return the affinity that prefers different machines and zones for the pods of that name."""
    selector = {"matchLabels": {"app": name}}
    terms = [
        {"weight": weight, "podAffinityTerm": {"labelSelector": selector, "topologyKey": key}}
        for weight, key in ((100, "kubernetes.io/hostname"), (50, "topology.kubernetes.io/zone"))
    ]
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": terms}}


def _server(spec: PodSpec) -> dict[str, Any]:
    monitor = spec.ports["monitor"]
    mounts: list[dict[str, Any]] = [
        {"name": "config-volume", "mountPath": spec.container.conf.target, "readOnly": True},
        {"name": "store", "mountPath": STORE_MOUNT},
    ]
    if spec.files_dir is not None:
        mounts.append({"name": "files", "mountPath": spec.files_dir, "readOnly": True})
    return {
        "name": "stan",
        "image": spec.container.image,
        "args": list(spec.container.command),
        "ports": [{"containerPort": number, "name": name} for name, number in spec.ports.items()],
        "env": Noted(
            _environment(spec), "stan.conf takes these for what tells one pod from another, and for secrets."
        ),
        "securityContext": confined(spec.container),
        "resources": Noted(
            resources(spec.cpu, spec.memory, spec.memory_limit),
            "In the guide cpu: 0. No limit of CPU: a throttled active misses its heartbeats.",
        ),
        "livenessProbe": liveness(monitor),
        "readinessProbe": Noted(
            readiness(monitor),
            "Not in the guide. It asks the NATS server, which serves clients on a standby just as well, "
            "and not /streaming/isFTActive, which does not answer while the store is read.",
        ),
        "volumeMounts": mounts,
    }


def _environment(spec: PodSpec) -> list[dict[str, Any]]:
    def from_field(name: str, path: str) -> dict[str, Any]:
        return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}

    variables = [
        from_field("POD_NAME", "metadata.name"),
        from_field("POD_NAMESPACE", "metadata.namespace"),
        {"name": "CLUSTER_ADVERTISE", "value": f"$(POD_NAME).{spec.name}.$(POD_NAMESPACE).svc"},
    ]
    for secret in spec.secrets:
        key = {"name": f"{spec.name}-secrets", "key": secret.variable}
        variables += [
            {"name": f"{secret.variable}_TEXT", "valueFrom": {"secretKeyRef": key}},
            # In the server's own quotes, so that it takes a number or a word like "yes" for a string.
            {"name": secret.variable, "value": f'"$({secret.variable}_TEXT)"'},
        ]
    return variables


def resources(cpu: str, memory: str, memory_limit: str) -> dict[str, Any]:
    """Return the resources of a server."""
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory_limit}}


def liveness(port: int | str) -> dict[str, Any]:
    """Return the probe that restarts a server whose monitor does not answer."""
    return {"httpGet": {"path": "/", "port": port}, "initialDelaySeconds": 10, "timeoutSeconds": 5}


def readiness(port: int | str) -> dict[str, Any]:
    """Return the probe of the NATS server, which passes on a standby too."""
    return {"httpGet": {"path": "/", "port": port}, "timeoutSeconds": 5}


def confined(container: Container) -> dict[str, Any]:
    """Return the security context of a container."""
    return {
        "allowPrivilegeEscalation": "no-new-privileges:true" not in container.security_opt,
        "readOnlyRootFilesystem": container.read_only,
        "capabilities": {"drop": list(container.cap_drop)},
    }


def _metrics(spec: PodSpec) -> dict[str, Any]:
    monitor = f"http://localhost:{spec.ports['monitor']}"
    return {
        "name": "metrics",
        "image": Noted(
            spec.metrics_image,
            "In the guide synadia/prometheus-nats-exporter:0.5.0. Nothing newer than 0.16.0: 0.17.0 dropped "
            "-channelz and -serverz.",
        ),
        "args": ["-connz", "-routez", "-subz", "-varz", "-channelz", "-serverz", monitor],
        "ports": [{"containerPort": METRICS_PORT, "name": "metrics"}],
        "securityContext": confined(spec.container),
        "resources": METRICS_RESOURCES,
    }


def _volumes(spec: PodSpec) -> list[dict[str, Any]]:
    volumes: list[dict[str, Any]] = [
        {"name": "config-volume", "configMap": {"name": f"{spec.name}-config"}},
        {"name": "store", "persistentVolumeClaim": {"claimName": spec.claim}},
    ]
    if spec.files_dir is not None:
        volumes.append(
            {"name": "files", "secret": {"secretName": f"{spec.name}-files", "defaultMode": 0o550}}
        )
    return volumes
