"""The group for Kubernetes: the guide's deployment for clusters of today, as one file for `kubectl apply`.

Differences from the guide are explained in the comments of the text itself.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from stanlocal.access import route_login
from stanlocal.export import certificates, quantity, storage
from stanlocal.export.named_files import moved, named_files
from stanlocal.export.objects import Object, Storage
from stanlocal.export.pod import (
    CPU,
    MEMORY,
    MEMORY_LIMIT,
    METRICS_IMAGE,
    METRICS_PORT,
    PodSpec,
    pod_template,
)
from stanlocal.export.secrets import Secret, secret_values, without_secrets
from stanlocal.export.yamltext import Noted, documents, plain
from stanlocal.model.plan import GroupPlan
from stanlocal.render.container_spec import CONF_FILE, container
from stanlocal.render.stan_conf import Identity, Variable, render_shared
from stanlocal.util.addresses import LOOPBACK

FILES_DIR = "/etc/stan-files"
"""Folder in a pod for the files that options name."""

_IDENTITY = Identity(
    server_name=Variable("POD_NAME"),
    client_advertise=Variable("CLUSTER_ADVERTISE"),
    cluster_advertise=Variable("CLUSTER_ADVERTISE"),
)


@dataclass(frozen=True, slots=True)
class Deployment:
    """The deployment's parameters besides the plan."""

    name: str
    """Name of the StatefulSet and its Service; the pods are `<name>-0`, `<name>-1`, …"""
    store: Storage
    namespace: str = "default"
    metrics_image: str = METRICS_IMAGE
    cpu: str = CPU
    """CPU requested for each server, without a limit, as a throttled node misses its heartbeats."""
    memory: str = MEMORY
    """Memory requested for each server."""
    memory_limit: str = MEMORY_LIMIT
    """Memory above which the server is killed."""

    def __post_init__(self) -> None:
        quantity.name(self.name, "name")
        quantity.namespace(self.namespace)
        quantity.object_name(self.store.claim, "claim")
        if self.store.storage_class is not None:
            quantity.object_name(self.store.storage_class, "storage class")
        quantity.quantity(self.store.size, "storage size")
        quantity.quantity(self.cpu, "cpu")
        quantity.quantity(self.memory, "memory")
        quantity.quantity(self.memory_limit, "memory limit")


def render(plan: GroupPlan, deployment: Deployment) -> str:
    """Return the objects as YAML documents; they take secrets from a Secret that they name."""
    clean, secrets = without_secrets(plan)
    return documents(*_objects(_in_cluster(clean, deployment), deployment, secrets))


def objects(plan: GroupPlan, deployment: Deployment) -> list[dict[str, Any]]:
    """Return the objects that `render` writes."""
    clean, secrets = without_secrets(plan)
    made = _objects(_in_cluster(clean, deployment), deployment, secrets)
    return [plain(content) for content, _ in made]


def secret(plan: GroupPlan, deployment: Deployment) -> dict[str, Any] | None:
    """Return the Secret that the objects name, with the plan's secrets; None if the plan has none."""
    values = secret_values(plan)
    if not values:
        return None
    labels = {"app.kubernetes.io/instance": deployment.name}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _metadata(deployment, f"{deployment.name}-secrets", labels),
        "data": {name: base64.b64encode(_in_quotes(value)).decode() for name, value in values.items()},
    }


def _in_quotes(value: str) -> bytes:
    """Return a secret as it stands between the double quotes that the pod puts around it."""
    return value.replace("\\", "\\\\").replace('"', '\\"').encode()


def conf(plan: GroupPlan, deployment: Deployment) -> str:
    """Return the stan.conf in the ConfigMap."""
    clean, _ = without_secrets(plan)
    return render_shared(_in_cluster(clean, deployment), _IDENTITY)


def _in_cluster(plan: GroupPlan, deployment: Deployment) -> GroupPlan:
    """Return the plan with the pods' names, and with the paths of files in a pod."""
    name = deployment.name
    nodes = tuple(
        replace(node, name=f"{name}-{node.index}", route_host=f"{name}-{node.index}.{name}")
        for node in plan.nodes
    )
    plan = moved(plan, FILES_DIR)
    return replace(plan, group=name, nodes=nodes, engine="kubernetes", monitor_tls=False)


def _objects(plan: GroupPlan, deployment: Deployment, secrets: Sequence[Secret]) -> Sequence[Object]:
    labels = {"app": deployment.name, "app.kubernetes.io/name": "nats-streaming"}
    labels["app.kubernetes.io/instance"] = deployment.name
    spec = PodSpec(
        name=deployment.name,
        container=container(plan, plan.nodes[0]),
        claim=deployment.store.claim,
        ports=_ports(plan),
        metrics_image=deployment.metrics_image,
        cpu=deployment.cpu,
        memory=deployment.memory,
        memory_limit=deployment.memory_limit,
        secrets=secrets,
        files_dir=FILES_DIR if named_files(plan) else None,
    )
    text = render_shared(plan, _IDENTITY)
    stored = storage.objects(deployment.store, namespace=deployment.namespace, labels=labels, user=spec.user)
    own = [
        _service(plan, deployment, labels),
        _config_map(text, deployment, labels),
        _stateful_set(plan, deployment, labels, spec, text),
        _disruption_budget(deployment, labels),
    ]
    if not plan.external_nats and route_login.is_needed(plan.nats, secure=plan.secure):
        own.append(_network_policy(plan, deployment, labels))
    content, comment = (*stored, *own)[0]
    headed = (content, f"{_header(plan, deployment, secrets)}\n\n{comment}".rstrip())
    return (headed, *(*stored, *own)[1:])


def _header(plan: GroupPlan, deployment: Deployment, secrets: Sequence[Secret]) -> str:
    name, namespace = deployment.name, deployment.namespace
    option = "" if namespace == "default" else f" -n {namespace}"
    lines = [
        f"The NATS Streaming FT group '{name}' for Kubernetes, from 'stanlocal export kubernetes'.",
        "",
        "  kubectl apply -f -                              # with this file: stanlocal up",
        f"  kubectl get pods{option} -l app={name}".ljust(50) + "# stanlocal status",
        f"  kubectl logs{option} {name}-0 -c stan".ljust(50) + f"# stanlocal logs {plan.nodes[0].name}",
        f"  kubectl delete pod{option} {name}-0".ljust(50) + f"# stanlocal restart {plan.nodes[0].name}",
        f"  kubectl port-forward{option} {name}-0 4222:4222".ljust(50) + "# not needed: ports are published",
        f"  stan-pub -c {plan.cluster_id} foo bar.1".ljust(50) + "# stanlocal pub foo bar.1",
        f"  stan-sub -c {plan.cluster_id} -all foo".ljust(50) + "# stanlocal sub foo --all",
    ]
    if namespace != "default":
        lines += ["", f"The namespace has to be there: kubectl create namespace {namespace}"]
    if deployment.store.kind == "existing-claim":
        claim = deployment.store.claim
        lines += [
            "",
            f"The store is on the claim {claim}, which has to be there, ReadWriteMany;",
            "--storage efs, azurefile and nfs make one.",
        ]
    lines += [f"Replace: {line}" for line in deployment.store.placeholders]
    if secrets:
        keys = [f"--from-literal={each.variable}=…" for each in secrets]
        lines += ["", "Secrets are not in here; write a backslash before each double quote and backslash:"]
        lines += [*_command(f"secret generic{option} {name}-secrets", keys)]
    if plan.secure:
        hosts = {"localhost", LOOPBACK, *_hosts(plan, namespace)}
        lines += ["", *certificates.commands(hosts, "")]
        lines += ["The monitor has no TLS: the exporter beside it could not check such a certificate."]
    lines += certificates.for_routes(plan, (node.route_host for node in plan.nodes))
    if files := named_files(plan):
        keys = [f"--from-file={PurePosixPath(path).name}" for path in files]
        lines += ["", "Files are not in here:", *_command(f"secret generic{option} {name}-files", keys)]
    return "\n".join(lines)


def _hosts(plan: GroupPlan, namespace: str) -> Iterator[str]:
    """Yield the names by which routes and clients find the pods."""
    for node in plan.nodes:
        yield from (node.name, node.route_host, f"{node.route_host}.{namespace}.svc")


def _command(what: str, options: Sequence[str]) -> list[str]:
    """Return a command that makes something, one option a line."""
    lines = [f"  kubectl create {what}", *(f"    {option}" for option in options)]
    return [*(f"{line} \\" for line in lines[:-1]), lines[-1]]


def _metadata(deployment: Deployment, name: str, labels: dict[str, str]) -> dict[str, Any]:
    return {"name": name, "namespace": deployment.namespace, "labels": labels}


def _service(plan: GroupPlan, deployment: Deployment, labels: dict[str, str]) -> Object:
    ports = {**_ports(plan), "metrics": METRICS_PORT}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(deployment, deployment.name, labels),
        "spec": {
            "selector": {"app": deployment.name},
            "clusterIP": "None",
            "publishNotReadyAddresses": Noted(
                True,
                "Not in the guide, whose log shows routes failing with 'no such host': a pod's name "
                "resolves from its start on, and no probe can take a standby out of the route mesh.",
            ),
            "ports": [{"name": port, "port": number} for port, number in ports.items()],
        },
    }
    return service, "Gives each pod a name of its own, by which routes and clients find it."


def _ports(plan: GroupPlan) -> dict[str, int]:
    """Return the ports that a server listens on; with an external NATS server only its monitor's."""
    listen = plan.nodes[0].listen
    if plan.external_nats:
        return {"monitor": listen.monitor}
    return {"client": listen.client, "cluster": listen.cluster, "monitor": listen.monitor}


def _config_map(text: str, deployment: Deployment, labels: dict[str, str]) -> Object:
    config_map = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(deployment, f"{deployment.name}-config", labels),
        "data": {PurePosixPath(CONF_FILE).name: text},
    }
    return config_map, (
        "The configuration of all nodes, the one that stanlocal runs locally. Beyond the guide: cluster.name "
        "(without it servers first reject each other), server_name and client_advertise (names instead of "
        "addresses that change with each restart of a pod)."
    )


def _stateful_set(
    plan: GroupPlan, deployment: Deployment, labels: dict[str, str], spec: PodSpec, text: str
) -> Object:
    template = pod_template(spec)
    template["metadata"] = {
        "labels": labels,
        "annotations": Noted(
            {
                "checksum/config": hashlib.sha256(text.encode()).hexdigest(),
                "prometheus.io/path": "/metrics",
                "prometheus.io/port": str(METRICS_PORT),
                "prometheus.io/scrape": "true",
            },
            "A change of the configuration restarts the pods, one after the other.",
        ),
    }
    stateful_set = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": _metadata(deployment, deployment.name, labels),
        "spec": {
            "selector": {"matchLabels": {"app": deployment.name}},
            "serviceName": deployment.name,
            "replicas": len(plan.nodes),
            "podManagementPolicy": Noted(
                "Parallel",
                "In the guide one after the other: there a pod that cannot be placed keeps the others away.",
            ),
            "template": template,
        },
    }
    return stateful_set, "One pod holds the lock of the store and is active, the others stand by."


def _network_policy(plan: GroupPlan, deployment: Deployment, labels: dict[str, str]) -> Object:
    others = {name: port for name, port in _ports(plan).items() if name != "cluster"} | {
        "metrics": METRICS_PORT
    }
    selector = {"matchLabels": {"app": deployment.name}}
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _metadata(deployment, f"{deployment.name}-routes", labels),
        "spec": {
            "podSelector": selector,
            "ingress": [
                {"ports": [{"port": port} for port in others.values()]},
                {"from": [{"podSelector": selector}], "ports": [{"port": _ports(plan)["cluster"]}]},
            ],
        },
    }
    return policy, (
        "Not in the guide: whoever opens a route reads and writes everything without a login, so only the "
        "pods may. It needs a network that enforces policies."
    )


def _disruption_budget(deployment: Deployment, labels: dict[str, str]) -> Object:
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": _metadata(deployment, deployment.name, labels),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": deployment.name}}},
    }
    return budget, "Not in the guide: a drain of machines takes one pod at a time, so that one can take over."
