"""Answers that no API server sends: one error of one line, which names the field."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from stanlocal.engine.kubernetes.access import Access, Target, find_access
from stanlocal.engine.kubernetes.answers import read_event, read_object
from stanlocal.engine.kubernetes.errors import Expired
from stanlocal.engine.kubernetes.pods import selector_of, time_of
from stanlocal.engine.kubernetes.scale import planned
from stanlocal.engine.kubernetes.workload import Deployment, View
from stanlocal.errors import EngineError, EngineUnavailable, StanlocalError
from stanlocal.lifecycle.deployed_plan import DeployedPlans
from tests.soak.fuzz_cluster import cluster_objects
from tests.support.effort import inputs
from tests.support.facts import group_plan
from tests.unit.engine.kubernetes.test_access import config

PODS = "/api/v1/namespaces/default/pods"

WRONG: dict[str, tuple[bytes | Any, str]] = {
    "no JSON": (b"<html>", "is no JSON"),
    "bad UTF-8": (b'{"kind": "\xff"}', "is no JSON"),
    "a number of 5,000 digits": (b'{"kind": %s}' % (b"9" * 5000), "is no JSON"),
    "nested too deep": (b"[" * 100_000, "is no JSON"),
    "a list": ([], "it is a list, not a map"),
    "nothing": (None, "it is null, not a map"),
    "metadata": ({"metadata": "x"}, "metadata is a string, not a map"),
    "labels": ({"metadata": {"labels": ["a"]}}, "metadata.labels is a list, not a map"),
    "a label": ({"metadata": {"labels": {"a": {}}}}, "a value of metadata.labels is a map, not a string"),
    "an owner": ({"metadata": {"ownerReferences": [None]}}, "metadata.ownerReferences[0] is null, not a map"),
    "half a character": ({"metadata": {"name": "\ud800"}}, "metadata.name has half a character"),
    "items": ({"items": {"a": 1}}, "items is a map, not a list"),
    "an item": ({"items": [{}, 5]}, "items[1] is a number, not a map"),
    "a condition": (
        {"items": [{"status": {"conditions": ["x"]}}]},
        "items[0].status.conditions[0] is a string, not a map",
    ),
    "a state": (
        {"status": {"containerStatuses": [{"state": {"running": True}}]}},
        "status.containerStatuses[0].state.running is a truth value, not a map",
    ),
    "replicas": ({"spec": {"replicas": 1.5}}, "spec.replicas is a number, not a whole number"),
    "a truth value for a number": (
        {"spec": {"replicas": True}},
        "spec.replicas is a truth value, not a whole number",
    ),
    "too many": ({"spec": {"replicas": 10**30}}, "spec.replicas is a number, not a whole number"),
}


def wire(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@pytest.fixture
def access(tmp_path: Path) -> Access:
    return find_access(Target(kubeconfig=config(tmp_path)), {}, tmp_path)


@pytest.mark.parametrize(("sent", "why"), WRONG.values(), ids=WRONG.keys())
def test_an_answer_of_a_shape_that_no_server_sends_is_an_error(sent: Any, why: str) -> None:
    with pytest.raises(EngineError) as raised:
        read_object(wire(sent), PODS)
    assert str(raised.value).startswith(f"the answer to {PODS} is ")
    assert why in str(raised.value)
    assert str(raised.value).isprintable()


def test_a_field_that_is_null_or_unknown_is_passed_over() -> None:
    sound = {"metadata": {"labels": None, "x": 5}, "spec": {"containers": None}, "y": [1]}
    assert read_object(wire(sound), PODS) == sound


def test_the_answer_to_a_removal_is_no_object() -> None:
    status = {"kind": "Status", "status": "Success", "code": 200}
    assert read_object(wire(status), PODS) == status


EVENTS: dict[str, Any] = {
    "no type": {"object": {}},
    "an unknown type": {"type": "RENAMED", "object": {}},
    "a type that is a list": {"type": [], "object": {}},
    "no object": {"type": "ADDED"},
    "an object that is none": {"type": "ADDED", "object": "x"},
    "an object of another shape": {"type": "ADDED", "object": {"metadata": []}},
    "a list": [],
}


@pytest.mark.parametrize("sent", EVENTS.values(), ids=EVENTS.keys())
def test_a_line_that_is_no_event_is_an_error(sent: Any, access: Access) -> None:
    with pytest.raises(EngineError, match=f"the answer to {PODS} is not one of an API server: "):
        read_event(wire(sent), PODS, access)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ({"code": 410, "message": "too old"}, Expired),
        ({"code": 500}, EngineUnavailable),
        ({"code": "x"}, EngineUnavailable),
        ("x", EngineUnavailable),
        (None, EngineUnavailable),
    ],
)
def test_an_error_in_a_watch_is_the_servers_whatever_its_form(
    status: Any, kind: type[EngineError], access: Access
) -> None:
    with pytest.raises(kind) as raised:
        read_event(wire({"type": "ERROR", "object": status}), PODS, access)
    assert str(raised.value).isprintable()


def test_a_selector_with_an_unknown_operator_is_refused() -> None:
    terms = [{"key": "a", "operator": "Near\n", "values": ["b"]}]
    workload = {"metadata": {"name": "s"}, "spec": {"selector": {"matchExpressions": terms}}}
    with pytest.raises(EngineError) as raised:
        selector_of(workload)
    expected = "the selector of the StatefulSet 's' has an unknown operator: 'Near\\n'"
    assert str(raised.value) == expected


def test_a_stateful_set_of_more_pods_than_a_group_has_is_refused() -> None:
    """The API takes any number of 31 bits."""
    workload = {"metadata": {"name": "s"}, "spec": {"replicas": 2**31 - 1}}
    view = View(workload, Deployment(group_plan(2), "stan", is_group=True), {})
    with pytest.raises(EngineError, match="'s' has 2147483647 replicas; a group has at most 1000"):
        list(view.names())


def test_a_server_s_stateful_set_of_so_many_pods_is_refused_before_its_nodes_are_planned(
    tmp_path: Path,
) -> None:
    container = {
        "name": "stan",
        "image": "nats-streaming:0.25.6",
        "args": ["-ft_group", "g", "-store", "file"],
    }
    spec = {"replicas": 2**31 - 1, "template": {"spec": {"containers": [container]}}}
    with pytest.raises(EngineError, match="'s' has 2147483647 replicas; a group has at most 1000"):
        DeployedPlans("https://c", "default", tmp_path).read({"metadata": {"name": "s"}, "spec": spec}, [])


def test_a_number_of_nodes_that_stanlocal_never_noted_does_not_count() -> None:
    labels = {"app.kubernetes.io/managed-by": "stanlocal"}
    managers = [{"manager": "stanlocal", "operation": "Apply"}]
    noted = {"labels": labels, "managedFields": managers, "annotations": {"stanlocal/nodes": "9" * 5000}}
    assert planned({"metadata": noted, "spec": {"replicas": 3}}) == range(3)


@pytest.mark.parametrize("stamp", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "x", 5, None])
def test_a_time_that_no_clock_showed_is_none(stamp: Any) -> None:
    assert time_of(stamp) is None


def test_whatever_an_api_server_answers_is_a_result_or_one_line(tmp_path: Path) -> None:
    read = cluster_objects(tmp_path)
    refusals = []
    for number in range(inputs(400)):
        try:
            read(Random(number))
        except StanlocalError as error:
            refusals.append(str(error))
    assert not [text for text in refusals if "\n" in text]
    assert inputs(100) < len(refusals) < inputs(350)
