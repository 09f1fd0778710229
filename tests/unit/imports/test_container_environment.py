"""Variables of a container, and `$(NAME)` in its arguments."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.imports.manifests import config_map, container, manifest, workload
from tests.unit.imports.reading import CASES, Write, problems, values

_FLAGS = ("-st", "file", "-dir", "/d", "-ft_group", "ftg")


def _from(kind: str, key: str) -> dict[str, Any]:
    return {"name": "ID", "valueFrom": {kind: {"name": "cm", "key": key}}}


def test_references_in_arguments_are_replaced() -> None:
    streaming = values(CASES / "dollar-env.yaml").streaming
    assert (streaming["cluster_id"], streaming["ft_group_name"]) == ("orders", "orders-ft")


@pytest.mark.parametrize(
    ("word", "fields", "expected"),
    [
        ("$(ID)", {"env": [{"name": "ID", "value": "orders"}]}, "orders"),
        ("a-$(ID)-$(ID)", {"env": [{"name": "ID", "value": "b"}]}, "a-b-b"),
        ("$(B)", {"env": [{"name": "A", "value": "x"}, {"name": "B", "value": "$(A)-y"}]}, "x-y"),
        ("$(ID)", {"env": [{"name": "ID", "value": 2020}]}, "2020"),
        ("x$(ID)", {"env": [{"name": "ID"}]}, "x"),
        ("$(ID)", {"env": [{"name": "ID", "value": "old"}, {"name": "ID", "value": "new"}]}, "new"),
        ("$$(ID)", {"env": [{"name": "ID", "value": "b"}]}, "$(ID)"),
        ("$(ID)", {"env": [{"name": "ID", "value": "$$(X)"}]}, "$(X)"),
        ("$(ID)", {"env": [_from("configMapKeyRef", "id")]}, "from-map"),
        ("$(id)", {"envFrom": [{"configMapRef": {"name": "cm"}}]}, "from-map"),
        ("$(P_id)", {"envFrom": [{"prefix": "P_", "configMapRef": {"name": "cm"}}]}, "from-map"),
        (
            "$(id)",
            {"envFrom": [{"configMapRef": {"name": "cm"}}], "env": [{"name": "id", "value": "own"}]},
            "own",
        ),
        (
            "$(NS)-stan",
            {"env": [{"name": "NS", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}]},
            "prod-stan",
        ),
        (
            "$(APP)",
            {"env": [{"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}}]},
            "label",
        ),
    ],
)
def test_a_reference_is_what_the_container_has(
    write: Write, word: str, fields: dict[str, Any], expected: str
) -> None:
    pod = workload(container("-cid", word, *_FLAGS, **fields))
    pod["metadata"]["namespace"] = "prod"
    pod["spec"]["template"]["metadata"] = {"labels": {"app": "label"}}
    path = write("a.yaml", manifest(config_map(id="from-map"), pod))
    assert values(path).streaming["cluster_id"] == expected


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"env": [{"name": "ID", "valueFrom": {"secretKeyRef": {"name": "gone", "key": "k"}}}]},
        {"env": [_from("configMapKeyRef", "gone")]},
        {"env": [{"name": "ID", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]},
        {"env": [{"name": "ID", "value": "$(OTHER)"}]},
        {"envFrom": [{"secretRef": {"name": "gone"}}]},
    ],
)
def test_a_reference_to_what_is_not_in_the_file_is_reported(write: Write, fields: dict[str, Any]) -> None:
    path = write("a.yaml", manifest(config_map(), workload(container("-cid", "$(ID)", *_FLAGS, **fields))))
    assert any("which is set neither there nor in the environment" in each for each in problems(path))


def test_a_reference_in_an_argument_that_does_not_count_is_no_problem(write: Write) -> None:
    path = write("a.yaml", manifest(workload(container(*_FLAGS, "-cluster_node_id", "$(POD_NAME)"))))
    assert values(path).nodes == 3


def test_references_that_grow_without_end_are_refused(write: Write) -> None:
    grown = [{"name": "V0", "value": "x" * 1000}]
    grown += [{"name": f"V{n}", "value": f"$(V{n - 1})" * 10} for n in range(1, 9)]
    found = problems(write("a.yaml", manifest(workload(container("-cid", "$(V8)", *_FLAGS, env=grown)))))
    assert any("come to more than 262144 characters" in problem for problem in found)
