"""NetworkPolicies of the cluster in memory, and pods that no StatefulSet has made, such as those of a trial.

Policies count by port and direction; from whom and to whom is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stanlocal.testing.fake.server import FakeServer, Pace, Store

if TYPE_CHECKING:
    from tests.support.fake_cluster import FakeCluster, FakePod, Json

_POD = "statefulset.kubernetes.io/pod-name"
_MONITOR, _ROUTES = 8222, 6222


def is_routed(cluster: FakeCluster, pod: FakePod) -> bool:
    """Whether routes of the pod are up: its machine is not cut off, and it may open them."""
    return pod.machine not in cluster.unseen and _may(cluster, pod, "egress", _ROUTES)


def is_answering(cluster: FakeCluster, pod: FakePod) -> bool:
    """Whether the pod's monitor can be reached."""
    return pod.machine not in cluster.unseen and _may(cluster, pod, "ingress", _MONITOR)


def _may(cluster: FakeCluster, pod: FakePod, direction: str, port: int) -> bool:
    policies = [each for each in _selecting(cluster, pod) if _is_about(each["spec"], direction)]
    rules = [rule for each in policies for rule in each["spec"].get(direction, ())]
    return not policies or any(_has_port(rule, port) for rule in rules)


def _is_about(spec: Json, direction: str) -> bool:
    types = spec.get("policyTypes", ["Ingress", *(["Egress"] if "egress" in spec else [])])
    return direction.capitalize() in types


def _has_port(rule: Json, port: int) -> bool:
    ports = [each for each in rule.get("ports", ()) if each.get("protocol", "TCP") == "TCP"]
    ranges = [(each["port"], each.get("endPort", each["port"])) for each in ports]
    return "ports" not in rule or any(low <= port <= high for low, high in ranges)


def _selecting(cluster: FakeCluster, pod: FakePod) -> Iterator[Json]:
    """Yield the policies that select a pod, where the cluster enforces any."""
    thing = cluster.objects.get(("pods", pod.namespace, pod.name))
    if not cluster.enforces_policies or thing is None:
        return
    labels = {_POD: pod.name, **thing["metadata"]["labels"]}
    for key, each in cluster.objects.items():
        if key[:2] == ("networkpolicies", pod.namespace) and _matches(each["spec"]["podSelector"], labels):
            yield each


def _matches(selector: Json, labels: dict[str, str]) -> bool:
    terms = selector.get("matchExpressions", ())
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        (labels.get(term["key"]) in term["values"]) == (term["operator"] == "In") for term in terms
    )


def start_pod(cluster: FakeCluster, namespace: str, body: Json) -> None:
    """Run a pod with a server that has a route to the pod whose address its arguments have."""
    from tests.support.fake_cluster import FakePod

    pod = FakePod(body["metadata"]["name"], namespace, "node-0")
    cluster.pods[namespace, pod.name] = pod
    pod.server = FakeServer(
        pod.name,
        "trial",
        Store(),
        Pace(),
        None,
        lambda: True,
        lambda line: None,
        lambda code: None,
        lambda: datetime.now(UTC),
    )
    body["status"] = {"phase": "Running", "podIP": f"10.0.0.{len(cluster.pods)}"}
    cluster.put("pods", pod.namespace, body)
    arguments = " ".join(body["spec"]["containers"][0]["args"])
    for other in list(cluster.pods.values()):
        address = cluster.objects["pods", other.namespace, other.name]["status"].get("podIP")
        if address is not None and f"//{address}:" in arguments:
            cluster.peers[pod.name] = other.name
            cluster.write(pod, f"[1] [INF] {address}:6222 - rid:5 - Route connection created")


def take_effect(cluster: FakeCluster, namespace: str) -> None:
    """Close routes of such pods that a policy forbids, and make those again that none forbids any more."""
    for name, peer in cluster.peers.items():
        pod, other = cluster.pods.get((namespace, name)), cluster.pods.get((namespace, peer))
        if pod is None or other is None:
            continue
        routed, said = is_routed(cluster, other), pod.log[-1]
        if routed and "closed" in said:
            cluster.write(pod, "[1] [INF] 10.0.0.1:6222 - rid:6 - Route connection created")
        elif not routed and "created" in said:
            cluster.write(pod, "[1] [INF] 10.0.0.1:6222 - rid:5 - Router connection closed: Stale Connection")
