"""The answers of the API server in memory: what each path means, and who may ask for it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.support.fake_cluster_changes import VERBS, change, status
from tests.support.fake_cluster_policies import is_answering
from tests.support.fake_port_forward import forwarded

if TYPE_CHECKING:
    from tests.support.fake_cluster import FakeCluster, FakePod, Json

_PATH = re.compile(
    r"/(?:api/v1|apis/(?P<group>[^/]+)/v1)(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+)(?:/(?P<sub>log|proxy|portforward)(?P<rest>/.*)?)?)?"
)


async def _reached(cluster: FakeCluster, pod: FakePod) -> None:
    """Wait until the pod's machine can be reached: nothing comes from one that is cut off."""
    while pod.machine in cluster.unseen:
        await cluster.news()


async def answer(cluster: FakeCluster, request: web.Request) -> web.StreamResponse:
    """Answer a request as the real server does."""
    if request.path == "/version":
        return web.json_response({"gitVersion": "v1.34.4", "platform": "linux/amd64"})
    parts = _PATH.fullmatch(request.path)
    if parts is None:
        return status(404, f"no path {request.path}")
    namespace, plural, name, sub = parts["namespace"] or "", parts["plural"], parts["name"], parts["sub"]
    verb = VERBS[request.method]
    if request.method == "GET" and not name:
        verb = "watch" if request.query.get("watch") else "list"
    resource = f"{plural}/{sub}" if sub else plural
    cluster.requests.append(f"{verb} {resource}")
    if cluster.rules is not None and not _allowed(cluster.rules, parts["group"] or "", verb, resource):
        why = f'{plural} is forbidden: User "me" cannot {verb} resource "{resource}"'
        return status(403, why)
    if request.method != "GET":
        return await change(cluster, request, plural, namespace, name)
    if sub == "log":
        return await _log(cluster, request, cluster.pods.get((namespace, name)))
    if sub == "proxy":
        pod = cluster.pods.get((namespace, name.partition(":")[0]))
        return await _proxied(cluster, pod, parts["rest"] or "/")
    if sub == "portforward":
        return await forwarded(cluster, request, cluster.pods.get((namespace, name)))
    if name:
        found = cluster.objects.get((plural, namespace, name))
        return status(404, f'{plural} "{name}" not found') if found is None else web.json_response(found)
    if verb == "watch":
        return await _watched(cluster, request, plural, namespace)
    listed = [each for key, each in cluster.objects.items() if key[:2] == (plural, namespace)]
    items = [each for each in listed if _selected(request, each)]
    return web.json_response({"metadata": {"resourceVersion": str(cluster.version)}, "items": items})


def _allowed(rules: Any, group: str, verb: str, resource: str) -> bool:
    return any(
        group in rule["apiGroups"] and resource in rule["resources"] and verb in rule["verbs"]
        for rule in rules
    )


def _selected(request: web.Request, thing: Json) -> bool:
    labels = thing["metadata"].get("labels", {})
    terms = filter(None, request.query.get("labelSelector", "").split(","))
    if not all(_has_label(labels, term) for term in terms):
        return False
    field = request.query.get("fieldSelector", "").removeprefix("metadata.name=")
    return not field or field == thing["metadata"]["name"]


def _has_label(labels: Json, term: str) -> bool:
    """Whether labels meet one term of a selector: `key=value`, or `key` for any value."""
    key, equals, value = term.partition("=")
    return key in labels and (not equals or labels[key] == value)


async def _watched(
    cluster: FakeCluster, request: web.Request, plural: str, namespace: str
) -> web.StreamResponse:
    version = int(request.query["resourceVersion"])
    response = web.StreamResponse()
    await response.prepare(request)
    with suppress(asyncio.CancelledError):
        while True:
            try:
                news = list(cluster.since(version))
            except LookupError as error:
                gone = {"kind": "Status", "code": 410, "message": str(error)}
                await _write(response, {"type": "ERROR", "object": gone})
                break
            for at, kind, of, thing in news:
                version = at
                own = (of, thing["metadata"].get("namespace", "")) == (plural, namespace)
                if own and _selected(request, thing):
                    await _write(response, {"type": kind, "object": thing})
            if not news:
                await cluster.news()
    with suppress(ConnectionResetError):  # the reader has gone
        await response.write_eof()
    return response


async def _write(response: web.StreamResponse, thing: Any) -> None:
    with suppress(ConnectionResetError):  # the reader has gone, and the request ends with it
        await response.write(json.dumps(thing).encode() + b"\n")


async def _log(cluster: FakeCluster, request: web.Request, pod: FakePod | None) -> web.StreamResponse:
    if pod is None:
        return status(404, "pods not found")
    await _reached(cluster, pod)
    query = request.query
    lines = pod.previous if query.get("previous") else pod.log
    since = query.get("sinceTime", "").removesuffix("Z")
    response = web.StreamResponse()
    given = 0
    with suppress(asyncio.CancelledError):
        while True:
            news = [line for line in lines[given:] if line[:19] >= since]
            if tail := query.get("tailLines"):
                news = news[-int(tail) :]
            given = len(lines)
            await _reached(cluster, pod)
            if news:
                await _write_lines(request, response, news)
            if not query.get("follow") or (pod.server is None or lines is not pod.log):
                if given == len(lines):
                    break
                continue
            if given == len(lines):
                await cluster.news()
    with suppress(ConnectionResetError):  # the reader has gone
        if not response.prepared:
            await response.prepare(request)
        await response.write_eof()
    return response


async def _write_lines(request: web.Request, response: web.StreamResponse, lines: Sequence[str]) -> None:
    with suppress(ConnectionResetError):  # the reader has gone, and the request ends with it
        if not response.prepared:
            await response.prepare(request)  # like a kubelet: with the first line
        await response.write("".join(f"{line}\n" for line in lines).encode())


async def _proxied(cluster: FakeCluster, pod: FakePod | None, path: str) -> web.StreamResponse:
    if pod is None:
        return status(404, "pods not found")
    while not is_answering(cluster, pod):
        await cluster.news()
    if pod.monitor is None:
        return status(503, "error trying to reach service: dial tcp: connect: connection refused")
    if path == "/streaming/serverz":
        return web.json_response({"state": pod.monitor, "version": "0.25.6", "server_id": pod.uid})
    if (kind := path.removeprefix("/streaming/")) in ("channelsz", "clientsz"):
        return web.json_response({"count": 0, kind.removesuffix("z"): []})
    return web.Response(text="ok") if path == "/" else web.Response(status=404, text="404 page not found")
