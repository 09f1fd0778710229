"""Values of the nats/stan chart inside the resources of Flux, Argo CD and k3s."""

from __future__ import annotations

from typing import Any

import pytest

from stanlocal.imports.reading import read
from tests.unit.imports.manifests import manifest
from tests.unit.imports.reading import Write, problems, reported, values

_VALUES = {"stan": {"replicas": 3}, "store": {"type": "file", "ft": {"group": "ftg"}}}
_TEXT = "stan: {replicas: 3}\nstore: {type: file, ft: {group: ftg}}\n"


def resource(kind: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "x/v1", "kind": kind, "metadata": {"name": "orders"}, "spec": spec}


@pytest.mark.parametrize(
    "release",
    [
        resource("HelmRelease", chart={"spec": {"chart": "stan"}}, values=_VALUES),
        resource("HelmRelease", values={"stan": _VALUES}),
        resource("HelmRelease", releaseName="orders", values=_VALUES),
        resource("HelmChart", chart="nats/stan", valuesContent=_TEXT),
        resource(
            "HelmChartConfig", valuesContent=f"stan: {{stan: {{replicas: 3}}, {_TEXT.splitlines()[1]}}}"
        ),
        resource("Application", source={"helm": {"values": _TEXT}}),
        resource("Application", source={"helm": {"valuesObject": _VALUES}}),
        resource("Application", source={"helm": {"releaseName": "orders", "values": _TEXT}}),
    ],
)
def test_values_in_a_resource_are_read_and_the_release_is_the_cluster_id(
    write: Write, release: dict[str, Any]
) -> None:
    found = values(write("a.yaml", manifest(release)))
    assert (found.nodes, found.streaming["cluster_id"], found.streaming["ft_group_name"]) == (
        3,
        "orders",
        "ftg",
    )


@pytest.mark.parametrize(
    "release",
    [
        resource("HelmRelease", values={"replicaCount": 2}),
        resource("HelmRelease", values={"store": {"name": "shop"}}),
        resource("HelmChart", valuesContent="a: ["),
        resource("HelmChart", valuesContent=""),
        resource("Application", source={"repoURL": "x"}),
    ],
)
def test_a_resource_of_another_chart_is_refused(write: Write, release: dict[str, Any]) -> None:
    (problem,) = problems(write("a.yaml", manifest(release)))
    assert "neither a stan.conf in a ConfigMap nor a workload of nats-streaming" in problem


def test_what_is_left_of_the_resource_is_reported(write: Write) -> None:
    release = resource("HelmRelease", interval="5m", values=_VALUES)
    lines = reported(read(write("a.yaml", manifest(release)), {}))
    assert any("HelmRelease/orders spec.interval ('5m') left out" in line for line in lines)
