"""Changes of the cluster in memory: objects are applied, patched and deleted, and its StatefulSets follow.

Left out of what the real server does: conflicts between field managers, immutable fields, and quotas.
"""

from __future__ import annotations

import asyncio
import copy
import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.support.fake_cluster_policies import start_pod, take_effect
from tests.support.fake_cluster_storage import bind

if TYPE_CHECKING:
    from tests.support.fake_cluster import FakeCluster, FakePod, Json

VERBS = {"GET": "get", "POST": "create", "PATCH": "patch", "DELETE": "delete"}
REVISION = "controller-revision-hash"
_APPLY = "application/apply-patch+yaml"
_GRACE_S = 30.0


def status(code: int, message: str) -> web.Response:
    return web.json_response({"kind": "Status", "message": message, "code": code}, status=code)


async def change(
    cluster: FakeCluster, request: web.Request, plural: str, namespace: str, name: str | None
) -> web.StreamResponse:
    """Answer a request that changes objects."""
    body: Json = json.loads(await request.read() or b"{}")
    if request.method == "POST":
        name = body["metadata"]["name"]
        if (plural, namespace, name) in cluster.objects:
            return status(409, f'{plural} "{name}" already exists')
        _store(cluster, plural, namespace, body)
        return web.json_response(cluster.objects[plural, namespace, name], status=201)
    assert name is not None
    found = cluster.objects.get((plural, namespace, name))
    if request.method == "PATCH":
        return _patched(cluster, request, plural, namespace, name, found, body)
    if found is None:
        return status(404, f'{plural} "{name}" not found')
    wanted = body.get("preconditions", {}).get("uid")
    if wanted is not None and wanted != found["metadata"]["uid"]:
        return status(409, f"Precondition failed: UID in precondition: {wanted}")
    if plural == "pods":
        delete_pod(cluster, cluster.pods[namespace, name], body.get("gracePeriodSeconds"))
        return web.json_response(found)
    cluster.drop(plural, namespace, name)
    if plural == "statefulsets":
        reconcile(cluster, namespace, name)
    if plural == "networkpolicies":
        take_effect(cluster, namespace)
    return web.json_response({"kind": "Status", "status": "Success"})


def _patched(
    cluster: FakeCluster,
    request: web.Request,
    plural: str,
    namespace: str,
    name: str,
    found: Json | None,
    body: Json,
) -> web.Response:
    applies = request.content_type == _APPLY
    if found is None and not applies:
        return status(404, f'{plural} "{name}" not found')
    made = _merged(found or {}, body)
    if applies:
        manager = {"manager": request.query["fieldManager"], "operation": "Apply"}
        managers = made["metadata"].setdefault("managedFields", [])
        if manager not in managers:
            managers.append(manager)
    if "dryRun" not in request.query and (found is None or made != found):
        _store(cluster, plural, namespace, made)
    return web.json_response(made)


def _store(cluster: FakeCluster, plural: str, namespace: str, made: Json) -> None:
    name = made["metadata"]["name"]
    before = cluster.objects.get((plural, namespace, name), {})
    if namespace:
        made["metadata"]["namespace"] = namespace
    if before and before.get("spec") != made.get("spec"):
        made["metadata"]["generation"] += 1
    if plural == "persistentvolumeclaims":
        bind(cluster, made)
    if plural == "pods":
        start_pod(cluster, namespace, made)
        return
    cluster.put(plural, namespace, made)
    if plural == "statefulsets":
        reconcile(cluster, namespace, name)
    if plural == "networkpolicies":
        take_effect(cluster, namespace)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> Json:
    """Return a copy of `below` with what `above` has; None in it removes, lists are replaced."""
    made = dict(copy.deepcopy(below))
    for key, value in above.items():
        if value is None:
            made.pop(key, None)
        elif isinstance(value, Mapping):
            under = made.get(key)
            made[key] = _merged(under if isinstance(under, Mapping) else {}, value)
        else:
            made[key] = copy.deepcopy(value)
    return made


# The controller of StatefulSets


def revision_of(workload: Json) -> str:
    text = json.dumps(workload["spec"]["template"], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def wanted_of(workload: Json | None) -> range:
    """The ordinals that a StatefulSet is to have."""
    if workload is None:
        return range(0)
    spec = workload["spec"]
    first = (spec.get("ordinals") or {}).get("start", 0)
    return range(first, first + spec.get("replicas", 1))


def reconcile(cluster: FakeCluster, namespace: str, group: str) -> None:
    """Make the pods that a StatefulSet lacks, end those that it is not to have, replace those of before."""
    workload = cluster.objects.get(("statefulsets", namespace, group))
    wanted = wanted_of(workload)
    there = {
        pod.index: pod for pod in cluster.pods.values() if (pod.namespace, pod.group) == (namespace, group)
    }
    for index, pod in there.items():
        if index not in wanted:
            delete_pod(cluster, pod, None)
    for index in wanted:
        if (namespace, f"{group}-{index}") not in cluster.pods:
            cluster.make_pod(group, index, namespace)
    if workload is None:
        return
    revision = revision_of(workload)
    workload["status"] = {
        "observedGeneration": workload["metadata"]["generation"],
        "updateRevision": revision,
        "replicas": len(wanted),
    }
    old = [
        index
        for index in sorted(there, reverse=True)
        if index in wanted and there[index].revision != revision
    ]
    if old and all(pod.monitor is not None and not pod.deleting for pod in there.values()):
        delete_pod(cluster, there[old[0]], None)  # the next one once its successor is ready


def delete_pod(cluster: FakeCluster, pod: FakePod, grace_s: float | None) -> None:
    """Delete a pod: at once without a grace, else once its server has ended; again only to shorten it."""
    if pod.server is None or grace_s == 0:
        cluster.remove_pod(pod)
        return
    if not pod.deleting:
        pod.deleting = True
        cluster.publish(pod)
        pod.server.signal("SIGTERM")

    async def kill_later() -> None:
        await asyncio.sleep(_own_grace(pod) if grace_s is None else grace_s)
        if cluster.pods.get((pod.namespace, pod.name)) is pod:
            cluster.remove_pod(pod)

    cluster.spawn(kill_later())


def _own_grace(pod: FakePod) -> float:
    return float(pod.workload["spec"]["template"]["spec"].get("terminationGracePeriodSeconds", _GRACE_S))
