"""A stand-in for a network that enforces NetworkPolicies, which the cluster of the tests does not have.

It drops all packets of pods that a policy without any rule selects, by name or by label: that is what a trial
and an isolated node take. Policies with rules are not enforced.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.kubernetes.cluster.api import ApiError
from tests.kubernetes.cluster.errors import ClusterError
from tests.kubernetes.cluster.layout import Node
from tests.kubernetes.cluster.running import Cluster

_PAUSE_S = 0.3
_POD = "statefulset.kubernetes.io/pod-name"


@contextmanager
def enforced(cluster: Cluster, namespace: str) -> Iterator[None]:
    """Enforce the namespace's policies during the block."""
    ended = threading.Event()
    failures: list[Exception] = []

    def enforce() -> None:
        dropped: set[tuple[Node, str]] = set()
        try:
            while not ended.wait(_PAUSE_S):
                wanted = set(_closed(cluster, namespace))
                for node, address in wanted ^ dropped:
                    _change(cluster, node, address, "-I" if (node, address) in wanted else "-D")
                dropped = wanted
        except (ApiError, ClusterError) as error:
            failures.append(error)
        finally:
            for node, address in dropped:
                _change(cluster, node, address, "-D")

    thread = threading.Thread(target=enforce)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    assert failures == []


def _change(cluster: Cluster, node: Node, address: str, how: str) -> None:
    for direction in ("-s", "-d"):
        cluster.inside(node, "iptables", "-w", how, "FORWARD", direction, address, "-j", "DROP")


def _closed(cluster: Cluster, namespace: str) -> Iterator[tuple[Node, str]]:
    """Yield node and address of each pod that a policy without rules selects."""
    policies = cluster.api.get(f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies")["items"]
    selectors = [
        each["spec"]["podSelector"]
        for each in policies
        if not each["spec"].get("ingress") and not each["spec"].get("egress")
    ]
    if not selectors:
        return
    for pod in cluster.api.get(f"/api/v1/namespaces/{namespace}/pods")["items"]:
        address = pod["status"].get("podIP")
        if address and any(_selects(each, pod["metadata"]["labels"]) for each in selectors):
            yield cluster.node(pod["spec"]["nodeName"]), address


def _selects(selector: Any, labels: dict[str, str]) -> bool:
    named = [term["values"] for term in selector.get("matchExpressions", ()) if term["key"] == _POD]
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        labels.get(_POD) in values for values in named
    )
