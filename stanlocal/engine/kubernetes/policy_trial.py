"""A trial of whether a cluster enforces NetworkPolicies, also on connections that are open.

A cluster takes policies whether or not its network enforces them, and does not say which. So two throw-away
servers connect to each other with a route, and then a policy cuts one of them off: a route that ends, and
comes back only without the policy, shows that policies are enforced. Some networks let connections that were
open go on, which would leave a cut of a group's nodes without effect; there, too, the route stays.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from typing import Any, TypeAlias

from stanlocal.engine.kubernetes.answers import Json
from stanlocal.engine.kubernetes.api import Api
from stanlocal.engine.kubernetes.errors import Missing
from stanlocal.engine.kubernetes.output import read_line
from stanlocal.engine.kubernetes.ownership import FIELD_MANAGER, LABEL
from stanlocal.engine.kubernetes.pod_feed import Feed
from stanlocal.engine.kubernetes.pods import name_of, path_of, time_of
from stanlocal.engine.kubernetes.workload import pods_path, policies_path
from stanlocal.errors import EngineError, NotAllowed, Unsupported
from stanlocal.util.tasks import beside, run_to_end

Lines: TypeAlias = asyncio.Queue[str | EngineError]

_LABEL = "stanlocal/trial"
_START_S = 60.0
"""Seconds for a trial's server to start; its image may have to be pulled."""
_MEETS_S = 20.0
_ENFORCED_S = 15.0
"""Seconds for the route to end: networks take a policy over within 2 s, and the server misses pings for 4."""
_STAYS_S = 4.0
"""Seconds in which a route that ended for another reason is made again: the server tries every second."""
_LIFE_S = 180
"""Seconds after which the cluster ends the trial's pods, if stanlocal was killed meanwhile."""
_LEFT_S = 2 * _LIFE_S
"""Age from which on a trial's objects are left over: one that still runs has none of that age."""
_MEETS = re.compile("Route connection created")
_PARTS = re.compile("Router connection closed(?!: Duplicate)")
_CONFIGURATION = """\
port: 4222
ping_interval: "1s"
ping_max: 3
cluster { name: "trial", listen: "0.0.0.0:6222" }
streaming { store: "memory" }
"""
"""Configuration of both servers. Without the section `streaming`, `cluster` would be taken for one of it."""
_RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""Security context that every namespace admits."""


class PolicyTrial:
    """The trial in one namespace, with the image of a group's servers."""

    def __init__(self, api: Api, image: str, template: Json) -> None:
        """Take the group's image and its pods' template: where they may run, who may pull the image."""
        self._api = api
        self._namespace = api.access.namespace
        self._image = image
        self._template = template
        self._id = secrets.token_hex(3)

    async def run(self) -> None:
        """Return if a policy ends an open route, else raise `Unsupported`; leave nothing behind.

        What trials left whose tool was killed is removed, as far as the caller may do that.
        """
        async with AsyncExitStack() as made:
            name = self._name("conf")
            content = {"kind": "ConfigMap", "data": {"stan.conf": _CONFIGURATION}}
            files = await made.enter_async_context(self._made(_files_path(self._namespace), name, content))
            await self._remove_left_over(files)
            first = await self._server(made, "a")
            address = path_of(first, "status", "podIP")
            await self._server(made, "b", f"--routes=nats://{address}:6222")
            lines = await made.enter_async_context(self._lines(self._name("b")))
            if not await _said(lines, _MEETS, _MEETS_S):
                raise Unsupported(
                    "whether policies are enforced cannot be tried: two servers of the trial do not reach "
                    f"each other in namespace {self._namespace}"
                )
            content = {"kind": "NetworkPolicy", "spec": self._cut()}
            async with self._made(policies_path(self._namespace), self._name("cut"), content):
                parted = await _said(lines, _PARTS, _ENFORCED_S) and not await _said(lines, _MEETS, _STAYS_S)
            if not parted:
                raise Unsupported(
                    "the cluster's network does not enforce NetworkPolicies on open connections: in a trial "
                    f"a route went on for {_ENFORCED_S:g} s under one that forbids it; cut the machine's own "
                    "network off ('stanlocal gotcha two-actives' watches that), or use '--engine docker'"
                )
            if not await _said(lines, _MEETS, _MEETS_S):
                raise Unsupported(
                    "whether policies are enforced is not certain: a route that ended under one did not come "
                    f"back within {_MEETS_S:g} s after it; look whether the network is whole, then repeat it"
                )

    def _name(self, part: str) -> str:
        return f"stanlocal-trial-{part}-{self._id}"

    @asynccontextmanager
    async def _made(self, path: str, name: str, content: Json) -> AsyncIterator[Json]:
        """Make an object for the block, and yield it."""
        labels = {LABEL: FIELD_MANAGER, _LABEL: name}
        try:
            wanted = {**content, "metadata": {"name": name, "labels": labels}}
            yield await self._api.change("POST", path, wanted)
        except BaseException:
            with suppress(EngineError):  # the first error says why; the next trial removes what is left
                await run_to_end(self._remove(f"{path}/{name}"))
            raise
        await run_to_end(self._remove(f"{path}/{name}"))

    async def _remove_left_over(self, new: Json) -> None:
        """Remove the objects of trials that are much older than `new`, by the API server's own clock."""
        namespace = self._namespace
        for path in (_files_path(namespace), pods_path(namespace), policies_path(namespace)):
            with suppress(NotAllowed):
                found = await self._api.get(path, {"labelSelector": f"{LABEL}={FIELD_MANAGER},{_LABEL}"})
                for each in found.get("items") or ():
                    if _is_left_over(each, new):
                        await self._remove(f"{path}/{name_of(each)}")

    async def _remove(self, path: str) -> None:
        with suppress(Missing):
            await self._api.change("DELETE", path, {"gracePeriodSeconds": 0})

    async def _server(self, made: AsyncExitStack, part: str, *arguments: str) -> Json:
        """Start a server; return its pod once it runs."""
        name = self._name(part)
        content = {"kind": "Pod", "spec": self._pod(part, *arguments)}
        await made.enter_async_context(self._made(pods_path(self._namespace), name, content))
        query = {"fieldSelector": f"metadata.name={name}"}
        feed = Feed(self._api, pods_path(self._namespace), query, lambda pod: True)
        pod: Json | None = (await feed.list()).get(name)
        try:
            async with asyncio.timeout(_START_S), aclosing(feed.changes()) as changes:
                while path_of(pod, "status", "phase") != "Running":
                    if pod is None or path_of(pod, "status", "phase") in ("Failed", "Succeeded"):
                        break
                    _, _, pod = await anext(changes)
        except TimeoutError:
            pass
        if path_of(pod, "status", "phase") != "Running":
            raise Unsupported(
                f"whether policies are enforced cannot be tried: the pod {name} with the image {self._image} "
                f"did not start ({_why(pod or {})})"
            )
        assert pod is not None
        return pod

    def _cut(self) -> Json:
        nothing: Json = {"policyTypes": ["Ingress", "Egress"], "ingress": [], "egress": []}
        return {"podSelector": {"matchLabels": {_LABEL: self._name("a")}}, **nothing}

    def _pod(self, part: str, *arguments: str) -> Json:
        kept = ("imagePullSecrets", "nodeSelector", "tolerations")
        return {
            **{key: self._template[key] for key in kept if key in self._template},
            "restartPolicy": "Never",
            "activeDeadlineSeconds": _LIFE_S,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "containers": [
                {
                    "name": "trial",
                    "image": self._image,
                    "args": ["-c", "/trial/stan.conf", f"--cluster_id=trial-{part}", *arguments],
                    "resources": {
                        "requests": {"cpu": "10m", "memory": "32Mi"},
                        "limits": {"cpu": "500m", "memory": "128Mi"},
                    },
                    "securityContext": _RESTRICTED,
                    "volumeMounts": [{"name": "conf", "mountPath": "/trial"}],
                }
            ],
            "volumes": [{"name": "conf", "configMap": {"name": self._name("conf")}}],
        }

    @asynccontextmanager
    async def _lines(self, name: str) -> AsyncIterator[Lines]:
        """Follow a pod's log during the block; the queue gets its lines, and the error that ends them."""
        lines: Lines = asyncio.Queue()
        wanted = {"timestamps": "true", "follow": "true"}

        async def read() -> None:
            try:
                async with self._api.lines(f"{pods_path(self._namespace, name)}/log", wanted) as chunks:
                    async for chunk in chunks:
                        for raw in chunk:
                            if (found := read_line(raw)) is not None:
                                lines.put_nowait(found[1].text)
                lines.put_nowait(EngineError(f"the trial's server {name} has ended; try again"))
            except EngineError as error:
                lines.put_nowait(error)

        async with beside(read()):
            yield lines


def _files_path(namespace: str) -> str:
    return pods_path(namespace).removesuffix("pods") + "configmaps"


def _is_left_over(thing: Json, new: Json) -> bool:
    """Return whether a trial's object, which names itself in its label, is much older than a new one."""
    own = (path_of(thing, "metadata", "labels") or {}).get(_LABEL) == name_of(thing)
    made, now = (time_of(path_of(each, "metadata", "creationTimestamp")) for each in (thing, new))
    return own and made is not None and now is not None and (now - made).total_seconds() > _LEFT_S


def _why(pod: Json) -> str:
    statuses: Any = path_of(pod, "status", "containerStatuses") or ()
    waiting = next((path_of(each, "state", "waiting") for each in statuses), None) or {}
    why = waiting.get("message") or waiting.get("reason") or path_of(pod, "status", "message")
    return " ".join(str(why or path_of(pod, "status", "phase") or "it is gone").split())[:300]


async def _said(lines: Lines, wanted: re.Pattern[str], within_s: float) -> bool:
    """Whether one of the next lines matches, within that time; the lines up to it are taken."""
    try:
        async with asyncio.timeout(within_s):
            while True:
                line = await lines.get()
                if isinstance(line, EngineError):
                    raise line
                if wanted.search(line):
                    return True
    except TimeoutError:
        return False
