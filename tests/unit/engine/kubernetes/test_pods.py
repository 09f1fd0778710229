"""Pods as nodes: runs, obstacles, lost machines, and the events between two looks."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from stanlocal.engine.kubernetes import pods
from tests.support.facts import group_plan

Json = dict[str, Any]
TEN, ELEVEN = "2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z"
AT_TEN, AT_ELEVEN = datetime(2026, 11, 23, 10, tzinfo=UTC), datetime(2026, 11, 23, 11, tzinfo=UTC)


def pod(name: str = "stan-0", *, uid: str = "u1", status: Json | None = None, **container: Any) -> Json:
    """A pod whose container `stan` is in this state."""
    found = {"name": "stan", "containerID": "c1", "restartCount": 0, **container}
    return {
        "metadata": {"name": name, "uid": uid, "ownerReferences": [{"uid": "set"}], "creationTimestamp": TEN},
        "spec": {"nodeName": "node-1"},
        "status": {"containerStatuses": [{"name": "metrics"}, found], **(status or {})},
    }


def running(since: str = TEN) -> Json:
    return {"running": {"startedAt": since}}


def ended(code: int, reason: str = "Error") -> Json:
    times = {"startedAt": TEN, "finishedAt": ELEVEN}
    return {"terminated": {"exitCode": code, "reason": reason, "containerID": "c0", **times}}


def waiting(reason: str, message: str = "") -> Json:
    return {"waiting": {"reason": reason, "message": message}}


RUNS = {
    "runs": (pod(state=running()), ("running", AT_TEN, None, None, None, None)),
    "runs again": (
        pod(state=running(ELEVEN), lastState=ended(2)),
        ("running", AT_ELEVEN, None, None, None, AT_ELEVEN),
    ),
    "ended": (pod(state=ended(1)), ("exited", AT_TEN, AT_ELEVEN, 1, None, None)),
    "waits for its next run": (
        pod(state=waiting("CrashLoopBackOff"), lastState=ended(1)),
        ("exited", AT_TEN, AT_ELEVEN, 1, None, None),
    ),
    "out of memory": (
        pod(state=ended(137, "OOMKilled")),
        ("exited", AT_TEN, AT_ELEVEN, 137, "it was killed for its memory (OOMKilled)", None),
    ),
    "is being made": (pod(state=waiting("ContainerCreating")), ("created", None, None, None, None, None)),
    "no image": (
        pod(state=waiting("ImagePullBackOff", "Back-off\n  pulling")),
        ("created", None, None, None, "ImagePullBackOff: Back-off pulling", None),
    ),
    "no machine": (
        pod(
            status={
                "containerStatuses": [],
                "conditions": [
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2"}
                ],
            }
        ),
        ("created", None, None, None, "Unschedulable: 0/2", None),
    ),
    "evicted before it ran": (
        pod(status={"containerStatuses": [], "phase": "Failed", "reason": "Evicted"}),
        ("created", None, None, None, "Evicted", None),
    ),
}


@pytest.mark.parametrize(("found", "expected"), RUNS.values(), ids=RUNS)
def test_a_pod_shows_the_run_of_its_server(found: Json, expected: tuple[object, ...]) -> None:
    run = pods.run_of(found, "stan")
    shown = run.status, run.started_at, run.finished_at, run.exit_code, run.error, run.ended_before
    assert shown == expected


def test_a_node_without_a_pod_is_not_started() -> None:
    node = pods.instance(group_plan(2), "stan-1", 1, None, "stan", None)
    assert (node.status, node.error, node.machine, node.id) == ("created", None, None, "")


def test_only_pods_that_the_set_has_made_are_its_nodes() -> None:
    workload = {"metadata": {"name": "stan", "uid": "set"}}
    foreign = pod("stan-1")
    foreign["metadata"]["ownerReferences"] = [{"uid": "another"}]
    assert list(pods.members([pod(), foreign, pod("stan-x"), pod("other-0")], workload)) == ["stan-0"]


def test_a_selector_is_written_as_a_query() -> None:
    selector = {
        "matchLabels": {"app": "stan"},
        "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["a", "b"]},
            {"key": "old", "operator": "DoesNotExist"},
        ],
    }
    assert pods.selector_of({"spec": {"selector": selector}}) == "app=stan,tier in (a,b),!old"


def conditions(ready: str, containers: str) -> Json:
    return {
        "conditions": [
            {"type": "Ready", "status": ready, "lastTransitionTime": TEN},
            {"type": "ContainersReady", "status": containers},
        ]
    }


def machine(status: str) -> Json:
    condition = {"type": "Ready", "status": status, "lastTransitionTime": TEN, "reason": "NodeStatusUnknown"}
    return {"metadata": {"name": "node-1"}, "status": {"conditions": [condition]}}


LOST = {
    "its machine is ready": (pod(status=conditions("True", "True")), machine("True"), None),
    "its machine is unknown": (
        pod(status=conditions("True", "True")),
        machine("Unknown"),
        f"the machine node-1 does not answer since {TEN} (NodeStatusUnknown)",
    ),
    "marked by the cluster, machine unseen": (
        pod(status=conditions("False", "True")),
        None,
        f"the machine node-1 does not answer since {TEN}",
    ),
    "its own probe fails, machine unseen": (pod(status=conditions("False", "False")), None, None),
    "ready, machine unseen": (pod(status=conditions("True", "True")), None, None),
}


@pytest.mark.parametrize(("found", "on", "reason"), LOST.values(), ids=LOST)
def test_a_pod_is_lost_with_its_machine(found: Json, on: Json | None, reason: str | None) -> None:
    assert pods.lost(found, on) == reason


def actions(before: Json | None, after: Json | None) -> list[tuple[str, int | None]]:
    return [(event.action, event.exit_code) for event in pods.changes("stan-0", before, after, "stan")]


RUNS_NOW = pod(state=running())
RUNS_AGAIN = pod(state=running(ELEVEN), lastState=ended(137), containerID="c2", restartCount=1)

CHANGES = {
    "made": (None, pod(state=waiting("ContainerCreating")), [("create", None)]),
    "made and started at once": (None, RUNS_NOW, [("create", None), ("start", None)]),
    "started": (pod(state=waiting("ContainerCreating")), RUNS_NOW, [("start", None)]),
    "ended": (RUNS_NOW, pod(state=ended(2)), [("die", 2)]),
    "waits after its end was seen": (
        pod(state=ended(2)),
        pod(state=waiting("CrashLoopBackOff"), lastState=ended(2)),
        [],
    ),
    "ended and started between two looks": (RUNS_NOW, RUNS_AGAIN, [("die", 137), ("start", None)]),
    "gone while it ran": (RUNS_NOW, None, [("die", None), ("destroy", None)]),
    "replaced": (
        RUNS_NOW,
        pod(uid="u2", state=waiting("ContainerCreating")),
        [("die", None), ("destroy", None), ("create", None)],
    ),
    "lost": (
        pod(state=running(), status=None),
        copy.deepcopy(pod(state=running(), status=conditions("False", "True")))
        | {"status": {**conditions("False", "True"), **RUNS_NOW["status"]}},
        [("networks", None)],
    ),
    "the same": (RUNS_NOW, RUNS_NOW, []),
}


@pytest.mark.parametrize(("before", "after", "expected"), CHANGES.values(), ids=CHANGES)
def test_each_change_of_a_pod_is_an_event_once(
    before: Json | None, after: Json | None, expected: list[tuple[str, int | None]]
) -> None:
    assert actions(before, after) == expected
