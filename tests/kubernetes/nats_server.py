"""The NATS server beside a release of the nats/stan chart, in place of the chart nats/nats.

It is the one in a streaming server that keeps nothing, as the cluster has no image of NATS alone.
"""

from __future__ import annotations

import json

from tests.kubernetes.cluster.api import ApiError
from tests.kubernetes.cluster.commands import wait_until
from tests.kubernetes.cluster.layout import Node
from tests.kubernetes.cluster.running import Cluster
from tests.support.binary import VERSION as SERVER_VERSION

_NAME = "nats"
_READY_S = 90.0
_PORTS = {"client": 4222, "monitor": 8222}
_SERVERS = 2
"""Streaming servers that use it."""


def place(cluster: Cluster, namespace: str, node: Node) -> None:
    """Run the server on a node, with the name `nats`, by which the chart's servers find it."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": _NAME, "labels": {"app": _NAME}},
        "spec": {
            "nodeName": node.name,
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {
                    "name": _NAME,
                    "image": f"nats-streaming:{SERVER_VERSION}",
                    "args": ["-cid", "nats-alone", "-store", "memory", "-m", str(_PORTS["monitor"])],
                    "ports": [{"containerPort": port, "name": name} for name, port in _PORTS.items()],
                }
            ],
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": _NAME},
        "spec": {
            "selector": {"app": _NAME},
            "clusterIP": "None",
            "ports": [{"name": name, "port": port} for name, port in _PORTS.items()],
        },
    }
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": [service, pod]})
    cluster.kubectl("apply", "--namespace", namespace, "--filename=-", stdin=listed)
    wait_until(lambda: _connections(cluster, namespace) is not None, "NATS server up", _READY_S)


def keep_from(cluster: Cluster, namespace: str, node: Node) -> None:
    """Run the server on another node than this one; return once all streaming servers have found it."""
    other = next(each for each in cluster.nodes if each != node)
    path = f"/api/v1/namespaces/{namespace}/pods/{_NAME}"
    if cluster.api.get(path)["spec"]["nodeName"] != other.name:
        cluster.kubectl("delete", "--namespace", namespace, "pod", _NAME, "--wait=true", "--timeout=60s")
        place(cluster, namespace, other)

    def found() -> bool:
        return len(_connections(cluster, namespace) or ()) >= _SERVERS

    wait_until(found, f"NATS server found by {_SERVERS} servers", _READY_S)


def _connections(cluster: Cluster, namespace: str) -> set[str] | None:
    """Return the addresses of streaming servers that are connected; None while it does not answer."""
    path = f"/api/v1/namespaces/{namespace}/pods/{_NAME}:{_PORTS['monitor']}/proxy/connz"
    try:
        listed = json.loads(cluster.api.text(path))["connections"] or ()
    except (ApiError, ValueError, KeyError):  # it starts
        return None
    return {ip for each in listed if (ip := each.get("ip")) and not ip.startswith(("127.", "::1"))}
