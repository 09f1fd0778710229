"""A StatefulSet of nats-streaming as a group: its objects, its plan, its pods."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from stanlocal.engine.kubernetes.answers import Json
from stanlocal.engine.kubernetes.api import Api
from stanlocal.engine.kubernetes.errors import Missing
from stanlocal.engine.kubernetes.ownership import FIELD_MANAGER, LABEL
from stanlocal.engine.kubernetes.pods import index_of, lost, members, name_of, path_of, selector_of, uid_of
from stanlocal.engine.kubernetes.policies import CutPods, cuts
from stanlocal.engine.kubernetes.scale import listed, planned
from stanlocal.errors import NotAllowed
from stanlocal.model.plan import GroupPlan

_MOST_FILES = 16
"""ConfigMaps and Secrets that one workload may name; a group's names one or two."""
_WORDS_OF_CONFIG = ("-sc", "-c", "--stan_config", "-stan_config", "--config", "-config")


@dataclass(frozen=True, slots=True)
class Deployment:
    """A workload and its objects."""

    plan: GroupPlan
    container: str
    """Name of the container that runs the server."""
    is_group: bool
    """Whether its servers are an FT group."""
    is_read: bool = True
    """Whether their configuration could be read."""


class Reader(Protocol):
    """Reads the objects of a workload; `stanlocal.lifecycle.deployed_plan` makes one."""

    def container(self, workload: Json, files: Sequence[Json]) -> str | None:
        """Return the name of the container that runs the server; None if none does."""

    def read(self, workload: Json, files: Sequence[Json]) -> Deployment | None:
        """Return the group; None if the workload runs no server."""


@dataclass(slots=True)
class View:
    """One look at a group."""

    workload: Json
    deployment: Deployment
    pods: Mapping[str, Json]
    machines: Mapping[str, Json] = field(default_factory=dict)
    cut: CutPods = field(default_factory=CutPods)
    """Pods that stanlocal has cut off."""

    def names(self) -> Iterator[tuple[int, str]]:
        """Yield index and name of each node: those that are planned, and those that still exist.

        Raises `EngineError` for more nodes than a group can have.
        """
        group = name_of(self.workload)
        ordinals = listed(planned(self.workload), self.workload)
        there = (index for pod in self.pods.values() if (index := index_of(pod, group)) is not None)
        yield from ((index, f"{group}-{index}") for index in sorted({*ordinals, *there}))

    def away(self, name: str) -> str | None:
        """Return why the machine of the node's pod counts as lost; None while it answers."""
        pod = self.pods.get(name)
        if pod is None:
            return None
        machine = path_of(pod, "spec", "nodeName")
        return lost(pod, self.machines.get(str(machine)))


def sets_path(namespace: str, name: str = "") -> str:
    return f"/apis/apps/v1/namespaces/{quote(namespace)}/statefulsets{'/' + quote(name) if name else ''}"


def pods_path(namespace: str, name: str = "") -> str:
    return f"/api/v1/namespaces/{quote(namespace)}/pods{'/' + quote(name) if name else ''}"


def policies_path(namespace: str, name: str = "") -> str:
    base = f"/apis/networking.k8s.io/v1/namespaces/{quote(namespace)}/networkpolicies"
    return f"{base}/{quote(name)}" if name else base


class Workloads:
    """The groups of one namespace."""

    def __init__(self, api: Api, reader: Reader) -> None:
        self._api = api
        self._reader = reader
        self._known: dict[tuple[str, int, range], Deployment] = {}
        """The deployments of StatefulSets, by uid, generation and nodes: each changes with these alone."""
        self._sees_machines = True
        self._sees_policies = True

    @property
    def namespace(self) -> str:
        return self._api.access.namespace

    async def names(self) -> list[str]:
        """Return the names of all groups in the namespace, sorted."""
        found = await self._api.get(sets_path(self.namespace))
        listed = [
            {**each, "kind": "StatefulSet", "apiVersion": "apps/v1"} for each in found.get("items") or ()
        ]
        read = await asyncio.gather(*(self._deployment(each) for each in listed if self._may_be_one(each)))
        return sorted(each.plan.group for each in read if each is not None and each.is_group)

    def _may_be_one(self, workload: Json) -> bool:
        """Whether the workload may run the server, by its image, command or configuration."""
        if self._reader.container(workload, ()) is not None:
            return True
        containers = path_of(workload, "spec", "template", "spec", "containers") or ()
        words = (word for each in containers for part in ("command", "args") for word in each.get(part) or ())
        return any(str(word).partition("=")[0] in _WORDS_OF_CONFIG for word in words)

    async def find(self, group: str) -> View | None:
        """Look at a group; None if there is none of that name."""
        try:
            workload = await self._api.get(sets_path(self.namespace, group))
        except Missing:
            return None
        selector = {"labelSelector": selector_of(workload)}
        deployment, listed, cut = await asyncio.gather(
            self._deployment(workload),
            self._api.get(pods_path(self.namespace), selector),
            self._cuts(group),
        )
        if deployment is None or not deployment.is_group:
            return None
        pods = members(listed.get("items") or (), workload)
        return View(workload, deployment, pods, await self._machines(pods.values()), cut)

    async def deployment(self, group: str) -> Deployment | None:
        """Return what the group is; None if there is none of that name."""
        try:
            workload = await self._api.get(sets_path(self.namespace, group))
        except Missing:
            return None
        found = await self._deployment(workload)
        return found if found is not None and found.is_group else None

    async def sources(self, group: str) -> tuple[Json, Sequence[Json]] | None:
        """Return a StatefulSet of any kind and the objects with its configuration; None if there is none."""
        try:
            workload = await self._api.get(sets_path(self.namespace, group))
        except Missing:
            return None
        files, _ = await self._read(workload)
        return workload, files

    async def _deployment(self, workload: Json) -> Deployment | None:
        key = uid_of(workload), int(path_of(workload, "metadata", "generation") or 0), planned(workload)
        if key not in self._known:
            _, read = await self._read(workload)
            if read is None:
                return None
            self._known[key] = read
        return self._known[key]

    async def _read(self, workload: Json) -> tuple[list[Json], Deployment | None]:
        """Return the objects with the server's configuration, and what they say."""
        files = await self._files("ConfigMap", _config_maps(workload))
        read = self._reader.read(workload, files)
        if read is not None and not read.is_read:  # its configuration may be in a Secret
            files += await self._files("Secret", _secrets(workload))
            read = self._reader.read(workload, files)
        return files, read

    async def _files(self, kind: str, names: Sequence[str]) -> list[Json]:
        found = await asyncio.gather(*(self._file(kind, name) for name in names[:_MOST_FILES]))
        return [each for each in found if each is not None]

    async def _file(self, kind: str, name: str) -> Json | None:
        """Return a ConfigMap or Secret; None if it is not there, or not for the caller."""
        plural = "configmaps" if kind == "ConfigMap" else "secrets"
        try:
            path = f"/api/v1/namespaces/{quote(self.namespace)}/{plural}/{quote(name)}"
            return {**await self._api.get(path), "kind": kind}
        except (Missing, NotAllowed):
            return None

    async def _cuts(self, group: str) -> CutPods:
        """Return the cuts that stanlocal has made, as far as the caller may see them."""
        if not self._sees_policies:
            return CutPods()
        own = {"labelSelector": f"{LABEL}={FIELD_MANAGER}"}
        try:
            found = await self._api.get(policies_path(self.namespace), own)
        except NotAllowed:
            self._sees_policies = False
            return CutPods()
        return cuts(found.get("items") or (), group)

    async def _machines(self, pods: Any) -> dict[str, Json]:
        """Return the machines of the pods by name, as far as the caller may see them."""
        names = {str(name) for pod in pods if (name := path_of(pod, "spec", "nodeName"))}
        if not self._sees_machines:
            return {}
        found = await asyncio.gather(*(self._machine(name) for name in sorted(names)))
        return {name_of(each): each for each in found if each is not None}

    async def _machine(self, name: str) -> Json | None:
        try:
            return await self._api.get(f"/api/v1/nodes/{quote(name)}")
        except NotAllowed:
            self._sees_machines = False
        except Missing:
            pass
        return None


def _config_maps(workload: Json) -> list[str]:
    """Return the names of the ConfigMaps that the pods' containers read."""
    pod = path_of(workload, "spec", "template", "spec") or {}
    found = [path_of(source, "configMap", "name") for source in _sources(pod)]
    for container in (*(pod.get("initContainers") or ()), *(pod.get("containers") or ())):
        found += [path_of(each, "configMapRef", "name") for each in container.get("envFrom") or ()]
        keys = (path_of(each, "valueFrom", "configMapKeyRef", "name") for each in container.get("env") or ())
        found += keys
    return list(dict.fromkeys(str(name) for name in found if name))


def _secrets(workload: Json) -> list[str]:
    """Return the names of the Secrets in the pods' volumes."""
    pod = path_of(workload, "spec", "template", "spec") or {}
    found = [
        path_of(source, "secret", "secretName") or path_of(source, "secret", "name")
        for source in _sources(pod)
    ]
    return list(dict.fromkeys(str(name) for name in found if name))


def _sources(pod: Json) -> Iterator[Json]:
    """Yield the volumes of a pod, and the parts of projected ones."""
    for volume in pod.get("volumes") or ():
        yield volume
        yield from path_of(volume, "projected", "sources") or ()
