"""Reading of a group's objects: those that its workload names, and those that they name."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import quote

from stanlocal.engine.kubernetes.answers import Json
from stanlocal.engine.kubernetes.api import Api
from stanlocal.engine.kubernetes.errors import Missing
from stanlocal.engine.kubernetes.group_objects import (
    CLAIMS,
    CLASSES,
    MACHINES,
    VOLUMES,
    GroupObjects,
    class_of,
)
from stanlocal.engine.kubernetes.pods import members, name_of, path_of, selector_of
from stanlocal.engine.kubernetes.workload import Workloads, pods_path
from stanlocal.errors import NotAllowed

_MOST_CLAIMS = 16
"""Claims that are read of one pod; a group's has one."""


async def read_objects(api: Api, workloads: Workloads, group: str) -> GroupObjects | None:
    """Read the objects of a StatefulSet; None if there is none of that name, whatever it runs."""
    found = await workloads.sources(group)
    if found is None:
        return None
    workload, files = found
    reader = _Reader(api)
    listed = await api.get(pods_path(reader.namespace), {"labelSelector": selector_of(workload)})
    claims = await reader.named(CLAIMS, _claim_names(workload))
    bound = [str(name) for claim in claims.values() if (name := path_of(claim, "spec", "volumeName"))]
    wanted = [str(name) for claim in claims.values() if (name := class_of(claim))]
    volumes, classes, machines = await asyncio.gather(
        reader.named(VOLUMES, bound), reader.named(CLASSES, wanted), reader.machines()
    )
    pods = members(listed.get("items") or (), workload)
    return GroupObjects(
        reader.namespace, workload, files, pods, claims, volumes, classes, machines, reader.unseen
    )


def _claim_names(workload: Json) -> list[str]:
    volumes = path_of(workload, "spec", "template", "spec", "volumes") or ()
    names = (path_of(each, "persistentVolumeClaim", "claimName") for each in volumes)
    return list(dict.fromkeys(str(name) for name in names if name))[:_MOST_CLAIMS]


class _Reader:
    """Reads objects one by one, and notes the kinds that are not for the caller."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.namespace = api.access.namespace
        self.unseen: dict[str, str] = {}

    def _path(self, plural: str) -> str:
        if plural == CLAIMS:
            return f"/api/v1/namespaces/{quote(self.namespace)}/{plural}"
        return f"/apis/storage.k8s.io/v1/{plural}" if plural == CLASSES else f"/api/v1/{plural}"

    async def named(self, plural: str, names: Sequence[str]) -> dict[str, Json]:
        """Return the objects of these names that are there."""
        read = await asyncio.gather(*(self._get(plural, name) for name in dict.fromkeys(names)))
        return {name_of(each): each for each in read if each is not None}

    async def _get(self, plural: str, name: str) -> Json | None:
        try:
            return await self._api.get(f"{self._path(plural)}/{quote(name)}")
        except NotAllowed:
            self.unseen[plural] = f"get {plural}"
        except Missing:
            pass
        return None

    async def machines(self) -> Sequence[Json]:
        try:
            listed = await self._api.get(self._path(MACHINES))
        except NotAllowed:
            self.unseen[MACHINES] = f"list {MACHINES}"
            return ()
        return listed.get("items") or ()
