"""Answers of a cluster's API server, and lines of its watches, changed as no API server would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from tests.support.mutation import mutated, mutated_document

if TYPE_CHECKING:
    from stanlocal.engine.kubernetes.access import Access

Json = dict[str, Any]

_META: Json = {
    "uid": "u",
    "resourceVersion": "7",
    "generation": 2,
    "annotations": {"stanlocal/nodes": "2"},
    "labels": {"app.kubernetes.io/managed-by": "stanlocal", "app.kubernetes.io/instance": "stan"},
    "managedFields": [{"manager": "stanlocal", "operation": "Apply"}],
}
_CONTAINER: Json = {
    "name": "stan",
    "image": "nats-streaming:0.25.6",
    "args": ["-sc", "/etc/stan/stan.conf"],
    "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}],
    "envFrom": [{"configMapRef": {"name": "c"}}],
}
_TEMPLATE: Json = {
    "containers": [_CONTAINER],
    "volumes": [
        {"name": "conf", "projected": {"sources": [{"secret": {"name": "s"}}, {"configMap": {"name": "c"}}]}},
        {"name": "store", "persistentVolumeClaim": {"claimName": "data"}},
    ],
}
_WORKLOAD: Json = {
    "metadata": {"name": "stan", **_META},
    "spec": {
        "replicas": 2,
        "ordinals": {"start": 0},
        "selector": {
            "matchLabels": {"app": "stan"},
            "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}],
        },
        "template": {"metadata": {"labels": {"app": "stan"}}, "spec": _TEMPLATE},
    },
    "status": {"observedGeneration": 2, "updateRevision": "r"},
}
_BEFORE: Json = {
    "exitCode": 1, "reason": "Error", "containerID": "c0", "finishedAt": "2026-01-01T00:00:00Z",
}  # fmt: skip
_STATUS: Json = {
    "name": "stan", "restartCount": 1, "containerID": "c1", "lastState": {"terminated": _BEFORE},
    "state": {"running": {"startedAt": "2026-01-01T00:00:01Z"}},
}  # fmt: skip
_WAITING: Json = {"name": "stan", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no"}}}
_POD: Json = {
    "metadata": {
        "name": "stan-0", "uid": "p", "resourceVersion": "8", "ownerReferences": [{"uid": "u"}],
        "labels": {"app": "stan", "controller-revision-hash": "r"},
    },
    "spec": {"nodeName": "m", **_TEMPLATE},
    "status": {
        "phase": "Running",
        "containerStatuses": [_STATUS],
        "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2"},
            {"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T00:00:02Z"},
        ],
    },
}  # fmt: skip
_PODS = [_POD, {**_POD, "status": {**_POD["status"], "containerStatuses": [_WAITING]}}]
_POLICY: Json = {
    "metadata": {
        "name": "stan-stanlocal-isolate",
        **_META,
        "labels": {**_META["labels"], "stanlocal/cut": "all"},
    },
    "spec": {
        "podSelector": {
            "matchLabels": {"app": "stan"},
            "matchExpressions": [
                {"key": "statefulset.kubernetes.io/pod-name", "operator": "In", "values": ["stan-0"]}
            ],
        },
        "ingress": [],
    },
}
_CLAIM: Json = {
    "metadata": {"name": "data", **_META},
    "spec": {"volumeName": "v", "storageClassName": "nfs"},
    "status": {"phase": "Bound"},
}
_MACHINE: Json = {
    "metadata": {"name": "m"},
    "status": {"conditions": [{"type": "Ready", "status": "Unknown", "lastTransitionTime": "t"}]},
}
_CONF = "streaming { cluster_id: c, store: file, dir: /data, ft_group_name: g }"
_OBJECTS: Mapping[str, list[Json]] = {
    "statefulsets": [_WORKLOAD],
    "pods": _PODS,
    "networkpolicies": [_POLICY],
    "persistentvolumeclaims": [_CLAIM],
    "persistentvolumes": [{"metadata": {"name": "v"}, "spec": {"nfs": {"server": "s", "path": "/"}}}],
    "storageclasses": [{"metadata": {"name": "nfs"}, "provisioner": "p"}],
    "nodes": [_MACHINE],
    "configmaps": [{"metadata": {"name": "c"}, "data": {"stan.conf": _CONF}}],
    "secrets": [{"metadata": {"name": "s"}, "data": {"password": "eA=="}}],
}
_EVENTS: list[Json] = [
    *({"type": kind, "object": pod} for kind in ("ADDED", "MODIFIED", "DELETED") for pod in _PODS),
    {"type": "BOOKMARK", "object": {"kind": "Pod", "metadata": {"resourceVersion": "12"}}},
    {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old resource version: 7"}},
]


def cluster_objects(folder: Path) -> Callable[[Random], object]:
    """Answers of an API server, and lines of its watches, as the engine reads them."""
    access = _access(folder)
    reads = (_look, _follow)

    def act(dice: Random) -> None:
        with suppress(_UsedUpError):
            asyncio.run(dice.choice(reads)(_Served(access, folder, dice)))

    return act


async def _look(served: _Served) -> None:
    """Look at a group and at all of its objects, as the engine does."""
    from stanlocal.engine.kubernetes import policies, rollout, scale
    from stanlocal.engine.kubernetes.object_reader import read_objects
    from stanlocal.engine.kubernetes.pods import instance, lost
    from stanlocal.engine.kubernetes.workload import Workloads
    from stanlocal.lifecycle.deployed_plan import DeployedPlans

    workloads = Workloads(served, DeployedPlans("https://c", "default", served.folder))  # type: ignore[arg-type]
    match served.dice.randrange(3):
        case 0:
            await workloads.names()
            return
        case 1:
            await read_objects(served, workloads, "stan")  # type: ignore[arg-type]
            return
    if (view := await workloads.find("stan")) is None:
        return
    plan, container = view.deployment.plan, view.deployment.container
    for index, name in view.names():
        pod, cut = view.pods.get(name), view.cut.extent(name)
        instance(plan, name, index, pod, container, view.away(name), cut)
        scale.is_held(view.workload, index)
    policy = await served.get("/networkpolicies/p")
    policies.without(policy, ["stan-0"])
    for pod in view.pods.values():
        lost(pod, None)
        rollout.revision_of(pod)
        policies.selects(policy, pod)


async def _follow(served: _Served) -> None:
    """Follow a watch of pods, over versions that expire, as the engine does."""
    from stanlocal.engine.kubernetes.pod_feed import Feed
    from stanlocal.engine.kubernetes.pods import changes, index_of

    feed = Feed(served, "/pods", {}, lambda pod: index_of(pod, "stan") is not None)  # type: ignore[arg-type]
    await feed.list()
    async with aclosing(feed.changes()) as found:
        async for name, before, after in found:
            list(changes(name, before, after, "stan"))


class _UsedUpError(Exception):
    """All lines of a server's watches were read."""


class _Served:
    """An API server with one group, a fifth of whose answers have something wrong in them."""

    def __init__(self, access: Access, folder: Path, dice: Random) -> None:
        self.access = access
        self.folder = folder
        self.dice = dice
        self._lines = [self._sent(dice.choice(_EVENTS)) for _ in range(6)]

    def _sent(self, sound: Json) -> bytes:
        """Return a document as it comes over the wire."""
        if self.dice.random() < 0.8:
            return json.dumps(sound).encode()
        data = json.dumps(mutated_document(sound, self.dice)).encode()
        return mutated(data, self.dice) if self.dice.random() < 0.1 else data

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Json:
        from stanlocal.engine.kubernetes.answers import read_object

        plural = next(each for each in reversed(path.split("/")) if each in _OBJECTS)
        found = _OBJECTS[plural]
        listed = {"metadata": {"resourceVersion": "9"}, "items": found}
        return read_object(self._sent(listed if path.endswith(plural) else found[0]), path)

    async def watch(
        self, path: str, version: str, params: Mapping[str, str]
    ) -> AsyncGenerator[tuple[str, Json]]:
        from stanlocal.engine.kubernetes.answers import read_event

        if not self._lines:
            raise _UsedUpError
        while self._lines:
            yield read_event(self._lines.pop(), path, self.access)


def _access(folder: Path) -> Access:
    from stanlocal.engine.kubernetes.access import Target, find_access
    from tests.unit.engine.kubernetes.test_access import config

    return find_access(Target(kubeconfig=config(folder)), {}, folder)
