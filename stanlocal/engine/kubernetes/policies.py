"""NetworkPolicies that cut a group's pods off, and others that leave such a cut without effect. Pure.

A policy selects pods and lists the traffic that they may have; all policies of a pod add up, so a cut can
only leave out what no other policy lists. The routes of a pod are cut by what it and the others of its group
may send: other policies for received traffic, such as the exporter's own, make no difference to that. A cut
for clients has to be one of received traffic.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from stanlocal.engine.kubernetes.ownership import FIELD_MANAGER, LABEL, is_ours
from stanlocal.engine.kubernetes.pods import Json, name_of, path_of

Extent: TypeAlias = Literal["routes", "all"]
"""Connections of a pod that are cut: those to other nodes, or all."""

_EXTENT = "stanlocal/cut"
"""Label of the policies of a cut."""
_GROUP = "app.kubernetes.io/instance"
"""Label by which `down` finds the objects of a group."""
POD = "statefulset.kubernetes.io/pod-name"
"""Label that the cluster gives each pod of a StatefulSet."""
_PORTS = 65535


@dataclass(frozen=True, slots=True)
class CutPods:
    """The pods of a group that are cut off."""

    routes: frozenset[str] = frozenset()
    all: frozenset[str] = frozenset()

    def but(self, pod: str, extent: Extent | None) -> CutPods:
        """Return the cuts with that pod's changed; an isolated pod stays so when its routes are cut."""
        if extent == "routes" and pod in self.all:
            return self
        return CutPods(
            self.routes | {pod} if extent == "routes" else self.routes - {pod},
            self.all | {pod} if extent == "all" else self.all - {pod},
        )

    def extent(self, pod: str) -> Extent | None:
        """Return how far the pod is cut off; None if it is not."""
        return "all" if pod in self.all else "routes" if pod in self.routes else None


def names_of(group: str) -> tuple[str, str, str]:
    """Return the names of the policies that a group's cuts may consist of."""
    return f"{group}-stanlocal-isolate", f"{group}-stanlocal-partition", f"{group}-stanlocal-rest"


def policies_of(group: str, workload: Json, route_port: int, cut: CutPods) -> list[Json]:
    """Return the policies that cut these pods of a StatefulSet off."""
    isolating, parting, rest = names_of(group)
    wanted = []
    if cut.all:
        nothing: dict[str, Any] = {"policyTypes": ["Ingress", "Egress"], "ingress": [], "egress": []}
        wanted.append(_policy(group, isolating, "all", {"matchExpressions": [_pods("In", cut.all)]}, nothing))
    if cut.routes:
        others = [{"ports": _all_ports_but(route_port)}]
        wanted.append(
            _policy(
                group,
                parting,
                "routes",
                {"matchExpressions": [_pods("In", cut.routes)]},
                {"policyTypes": ["Egress"], "egress": others},
            )
        )
        selector = path_of(workload, "spec", "selector") or {}
        terms = [*(selector.get("matchExpressions") or ()), _pods("NotIn", cut.routes | cut.all)]
        reachable = {
            "namespaceSelector": {},
            "podSelector": {"matchExpressions": [_pods("NotIn", cut.routes)]},
        }
        routes = {"to": [reachable], "ports": [{"protocol": "TCP", "port": route_port}]}
        wanted.append(
            _policy(
                group,
                rest,
                "rest",
                {"matchLabels": selector.get("matchLabels") or {}, "matchExpressions": terms},
                {"policyTypes": ["Egress"], "egress": [*others, routes]},
            )
        )
    return wanted


def _policy(
    group: str, name: str, extent: str, selector: Mapping[str, Any], rules: Mapping[str, Any]
) -> Json:
    labels = {LABEL: FIELD_MANAGER, _GROUP: group, _EXTENT: extent}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "labels": labels},
        "spec": {"podSelector": dict(selector), **rules},
    }


def _pods(operator: str, names: Collection[str]) -> Json:
    return {"key": POD, "operator": operator, "values": sorted(names)}


def _all_ports_but(port: int) -> list[Json]:
    ranges = [(1, port - 1), (port + 1, _PORTS)]
    tcp = [{"protocol": "TCP", "port": low, "endPort": high} for low, high in ranges if low <= high]
    return [*tcp, {"protocol": "UDP"}]


def cuts(policies: Iterable[Json], group: str) -> CutPods:
    """Return the cuts in force among a namespace's policies."""
    found: dict[str, frozenset[str]] = {}
    for each in policies:
        extent = path_of(each, "metadata", "labels", _EXTENT)
        if is_ours(each) and path_of(each, "metadata", "labels", _GROUP) == group and extent is not None:
            found[str(extent)] = frozenset(_listed(each, "In"))
    return CutPods(found.get("routes", frozenset()), found.get("all", frozenset()))


def _listed(policy: Json, operator: str) -> Iterator[str]:
    """Yield the pods that a policy selects, or leaves out, by name."""
    for term in path_of(policy, "spec", "podSelector", "matchExpressions") or ():
        if (term.get("key"), term.get("operator")) == (POD, operator):
            yield from map(str, term.get("values") or ())


def opening(policies: Iterable[Json], pods: Mapping[str, Json], extent: Extent) -> list[Json]:
    """Return the policies that allow these pods the traffic that the cut should take away."""
    directions = ("egress",) if extent == "routes" else ("ingress", "egress")
    return [
        each
        for each in policies
        if path_of(each, "metadata", "labels", _EXTENT) is None
        and any(path_of(each, "spec", way) for way in directions)
        and any(selects(each, pod) for pod in pods.values())
    ]


def is_protection(policy: Json, group: str) -> bool:
    """Whether stanlocal has made the policy for the group itself, not for a cut."""
    labels = path_of(policy, "metadata", "labels") or {}
    return is_ours(policy) and labels.get(_GROUP) == group and _EXTENT not in labels


def without(policy: Json, names: Collection[str]) -> Json | None:
    """Return the patch with which a policy of stanlocal's leaves out these pods alone; None if it does so."""
    terms = path_of(policy, "spec", "podSelector", "matchExpressions") or ()
    if set(_listed(policy, "NotIn")) == set(names):
        return None
    wanted = [term for term in terms if (term.get("key"), term.get("operator")) != (POD, "NotIn")]
    if names:
        wanted.append(_pods("NotIn", names))
    return {"spec": {"podSelector": {"matchExpressions": wanted or None}}}


def selects(policy: Json, pod: Json) -> bool:
    """Whether a policy selects a pod."""
    labels = {POD: name_of(pod), **(path_of(pod, "metadata", "labels") or {})}
    selector = path_of(policy, "spec", "podSelector") or {}
    wanted = selector.get("matchLabels") or {}
    terms: Sequence[Mapping[str, Any]] = selector.get("matchExpressions") or ()
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _meets(each, labels) for each in terms
    )


def _meets(term: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = str(term.get("key")), term.get("values") or ()
    match term.get("operator"):
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    return True
