"""OpenShift Templates: their objects with the parameters in place."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.imports.manifests import config_map, container, manifest, workload
from tests.unit.imports.reading import Write, problems, values

_FLAGS = ("-st", "file", "-dir", "/d", "-ft_group", "ftg")


def template(*objects: dict[str, Any], **parameters: object) -> dict[str, Any]:
    """A Template with parameters; None is one without a value."""
    declared = [
        {"name": name, **({} if value is None else {"value": value})} for name, value in parameters.items()
    ]
    return {
        "apiVersion": "template.openshift.io/v1",
        "kind": "Template",
        "metadata": {"name": "t"},
        "parameters": declared,
        "objects": list(objects),
    }


@pytest.mark.parametrize(
    ("replicas", "word", "parameters", "expected"),
    [
        (3, "orders", {}, (3, "orders")),
        ("${{N}}", "orders", {"N": "4"}, (4, "orders")),
        ("${N}", "orders", {"N": 4}, (4, "orders")),
        (3, "${ID}", {"ID": "orders"}, (3, "orders")),
        (3, "${ID}-${ENV}", {"ID": "orders", "ENV": "dev"}, (3, "orders-dev")),
        (3, "${ID}", {"ID": 2020}, (3, "2020")),
        ("${{N}}", "x${ID}x", {"N": 5, "ID": "-"}, (5, "x-x")),
    ],
)
def test_parameters_are_put_into_the_objects(
    write: Write, replicas: object, word: str, parameters: dict[str, Any], expected: tuple[int, str]
) -> None:
    kind = "DeploymentConfig"
    server = workload(container("-cid", word, *_FLAGS), kind=kind, replicas=replicas)
    found = values(write("a.yaml", manifest(template(server, **parameters))))
    assert (found.nodes, found.streaming["cluster_id"]) == expected


def test_parameters_are_put_into_a_configuration(write: Write) -> None:
    held = config_map(stan_conf="streaming { id: ${ID}, store: file, dir: d, ft_group: g, mm: 7 }")
    server = container("-sc", "/e/stan.conf", volumeMounts=[{"name": "c", "mountPath": "/e"}])
    pod = workload(server, volumes=[{"name": "c", "configMap": {"name": "cm"}}])
    found = values(write("a.yaml", manifest(template(held, pod, ID="orders"))))
    assert found.streaming["cluster_id"] == "orders"


def test_a_parameter_without_a_value_comes_from_the_environment_or_is_asked_for(write: Write) -> None:
    server = workload(container("-cid", "${ID}", *_FLAGS))
    other = {"apiVersion": "v1", "kind": "Route", "metadata": {"name": "${HOST}"}}
    path = write("a.yaml", manifest(template(server, other, ID=None, HOST=None)))
    assert values(path, {"ID": "orders"}).streaming["cluster_id"] == "orders"
    (problem,) = problems(path)
    assert "parameter ID: it has no value; set ID in the environment" in problem


def test_parameters_that_grow_without_end_are_refused_or_cut(write: Write) -> None:
    server = workload(*[container("-cid", "${A}" * 1000, *_FLAGS) for _ in range(20)])
    assert problems(write("a.yaml", manifest(template(server, A="x" * 100_000))))
