"""Pods that a StatefulSet is to have, and those of them that can be held back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from stanlocal.engine.kubernetes import scale
from stanlocal.engine.kubernetes.ownership import kept_settings

OURS = {
    "labels": {"app.kubernetes.io/managed-by": "stanlocal"},
    "managedFields": [{"manager": "stanlocal", "operation": "Apply"}],
}


def workload(replicas: int | None, start: int | None = None, **annotations: str) -> dict[str, Any]:
    """A StatefulSet that stanlocal has made."""
    spec: dict[str, Any] = {} if replicas is None else {"replicas": replicas}
    if start is not None:
        spec["ordinals"] = {"start": start}
    notes = {f"stanlocal/{name}": value for name, value in annotations.items()}
    return {"metadata": {**OURS, "annotations": notes}, "spec": spec}


@pytest.mark.parametrize(
    ("made", "runs", "nodes"),
    [
        (workload(2, nodes="2"), [0, 1], [0, 1]),
        (workload(None), [0], [0]),
        (workload(2, 1, nodes="3"), [1, 2], [0, 1, 2]),
        (workload(0, nodes="2"), [], [0, 1]),
        (workload(2, 5), [5, 6], [5, 6]),
        (workload(2, nodes="many"), [0, 1], [0, 1]),
        (workload(2, nodes="1000000000000"), [0, 1], [0, 1]),
        ({**workload(1, nodes="3"), "metadata": {"annotations": {"stanlocal/nodes": "3"}}}, [0], [0]),
    ],
)
def test_the_nodes_of_a_group_are_those_that_it_was_made_with(
    made: dict[str, Any], runs: list[int], nodes: list[int]
) -> None:
    assert (list(scale.scaled(made)), list(scale.planned(made))) == (runs, nodes)
    assert [each for each in nodes if scale.is_held(made, each)] == [
        each for each in nodes if each not in runs
    ]


@pytest.mark.parametrize(
    ("without", "rest"),
    [([0], range(1, 4)), ([3], range(3)), ([0, 3], range(1, 3)), ([0, 1, 2, 3], range(0)), ([1], None)],
)
def test_the_first_and_the_last_pods_can_be_left_out(without: Collection[int], rest: range | None) -> None:
    assert scale.rest_without(workload(4), without) == rest


@pytest.mark.parametrize(
    ("more", "rest"),
    [([0], None), ([1], range(1, 3)), ([0, 1], range(3)), ([3], range(2, 4)), ([2], range(2, 3))],
)
def test_pods_come_back_with_those_between_only(more: Collection[int], rest: range | None) -> None:
    assert scale.rest_with(workload(1, 2, nodes="4"), more) == rest


def test_a_patch_has_the_pods_that_run() -> None:
    assert scale.patch_of(range(1, 3)) == {"spec": {"replicas": 2, "ordinals": {"start": 1}}}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"nats": {}, "streaming": {"a": 1}}', {"nats": {}, "streaming": {"a": 1}}),
        ('{"nats": {}}', None),
        ("[]", None),
        ("{", None),
        ("[" * 100_000, None),
    ],
    ids=["settings", "a part", "a list", "torn", "deep"],
)
def test_settings_that_were_noted_are_read_whatever_became_of_them(text: str, found: object) -> None:
    assert kept_settings(workload(2, settings=text)) == found


def test_settings_of_a_copied_manifest_are_not_read() -> None:
    made = workload(2, settings='{"nats": {}, "streaming": {}}')
    made["metadata"]["managedFields"] = []
    assert kept_settings(made) is None
