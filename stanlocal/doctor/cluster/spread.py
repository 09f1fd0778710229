"""The rule that pods are kept apart: a standby on the active's machine fails with it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stanlocal.doctor.cluster.deployed_group import POD, DeployedGroup
from stanlocal.doctor.cluster.finding import Finding, Problem
from stanlocal.engine.kubernetes.pods import path_of

_MACHINE = "kubernetes.io/hostname"
_APART = frozenset({_MACHINE, "topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"})
"""Topology keys under which two places are two machines."""


def spread(group: DeployedGroup) -> Iterator[Finding]:
    """Yield a problem where nothing keeps the pods on different machines."""
    if group.replicas < 2 or any(_terms(group)):
        return
    at = sorted({name for pod in group.objects.pods.values() if (name := path_of(pod, "spec", "nodeName"))})
    together = f"; now all are on {at[0]}" if len(at) == 1 and len(group.objects.pods) > 1 else ""
    yield Problem(
        group.at(f"{POD}.affinity.podAntiAffinity"),
        f"nothing keeps the pods apart: a standby on the active's machine fails with it{together}",
        f"prefer another machine for each: a podAntiAffinity with topologyKey {_MACHINE} that selects the "
        "group's own pods, as in:",
        ("stanlocal export kubernetes",),
    )


def _terms(group: DeployedGroup) -> Iterator[bool]:
    """Yield for each rule of placement whether it keeps the group's pods apart."""
    labels = path_of(group.workload, "spec", "template", "metadata", "labels") or {}
    against = path_of(group.pod, "affinity", "podAntiAffinity") or {}
    required = against.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
    preferred = against.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
    for term in (*required, *(each.get("podAffinityTerm") or {} for each in preferred)):
        yield term.get("topologyKey") in _APART and selects(term.get("labelSelector"), labels)
    for each in group.pod.get("topologySpreadConstraints") or ():
        yield each.get("topologyKey") in _APART and selects(each.get("labelSelector"), labels)


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, Any]) -> bool:
    """Whether a label selector selects a pod with these labels; none selects no pod."""
    if selector is None:
        return False
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _meets(each, labels) for each in selector.get("matchExpressions") or ()
    )


def _meets(expression: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    key, values = expression.get("key"), expression.get("values") or ()
    match expression.get("operator"):
        case "In":
            return labels.get(str(key)) in values
        case "NotIn":
            return labels.get(str(key)) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return False
