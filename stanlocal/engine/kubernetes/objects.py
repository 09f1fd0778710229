"""The objects of a group: applied and removed, and never any that stanlocal did not make.

Every object carries two labels besides its own, the group's name is in one of the exporter's. Objects of no
namespace (volumes, classes) also carry the namespace of the group they were made for.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from urllib.parse import quote

from stanlocal.engine.kubernetes.answers import Json
from stanlocal.engine.kubernetes.api import APPLY, Api
from stanlocal.engine.kubernetes.errors import Missing
from stanlocal.engine.kubernetes.ownership import FIELD_MANAGER, LABEL, is_ours
from stanlocal.engine.kubernetes.pod_feed import Feed
from stanlocal.engine.kubernetes.pods import name_of, path_of, uid_of
from stanlocal.errors import NameConflict, NotAllowed, Refused

NAMESPACE = "stanlocal/namespace"
"""Label of an object without a namespace: that of the group."""
_GROUP = "app.kubernetes.io/instance"
_PLURALS = {
    "StatefulSet": ("/apis/apps/v1", "statefulsets"),
    "Service": ("/api/v1", "services"),
    "PodDisruptionBudget": ("/apis/policy/v1", "poddisruptionbudgets"),
    "NetworkPolicy": ("/apis/networking.k8s.io/v1", "networkpolicies"),
    "ConfigMap": ("/api/v1", "configmaps"),
    "Secret": ("/api/v1", "secrets"),
    "PersistentVolumeClaim": ("/api/v1", "persistentvolumeclaims"),
    "PersistentVolume": ("/api/v1", "persistentvolumes"),
    "StorageClass": ("/apis/storage.k8s.io/v1", "storageclasses"),
}
"""Kinds of the exporter's objects, in the order in which they are removed."""
STORE = ("PersistentVolumeClaim", "PersistentVolume", "StorageClass")
_IN_NO_NAMESPACE = ("PersistentVolume", "StorageClass")
_BOUND_S = 20.0
"""Seconds for a volume to be bound to the claim: pods that are placed before wait for long. A class may bind
only once there is a pod."""


class Objects:
    """The objects of groups in one namespace."""

    def __init__(self, api: Api) -> None:
        self._api = api

    @property
    def _namespace(self) -> str:
        return self._api.access.namespace

    async def check(self, objects: Sequence[Json]) -> None:
        """Raise `NameConflict` for a name that something foreign has, `Refused` if something is missing."""
        for each in objects:
            found = await self.find(each["kind"], name_of(each))
            if found is not None and not self._is_own(each["kind"], found):
                raise NameConflict(
                    f"the {each['kind']} '{name_of(each)}' is there already (context "
                    f"'{self._api.access.context}', namespace '{self._namespace}'), and stanlocal did not "
                    "make it for this group; choose another --group, or remove it",
                    name_of(each),
                )
        made = {(each["kind"], name_of(each)) for each in objects}
        for kind, name in dict.fromkeys(_needed(objects)):
            if (kind, name) not in made and await self.find(kind, name) is None:
                how = "set kubernetes.claim or kubernetes.storage, or " if kind in STORE else ""
                raise Refused(
                    f"there is no {kind} '{name}' in namespace '{self._namespace}', which the pods need; "
                    f"{how}make it as the first lines of 'stanlocal export kubernetes' say"
                )

    async def apply(self, group: str, objects: Sequence[Json]) -> None:
        """Apply the objects in this order; those that need no change stay untouched."""
        for each in objects:
            kind, name = each["kind"], name_of(each)
            marked = self._marked(group, each)
            params = {"fieldManager": FIELD_MANAGER, "force": "true"}
            await self._api.change("PATCH", self._path(kind, name), marked, params, kind=APPLY)
            if kind == "PersistentVolumeClaim":
                await self._until_bound(name)

    async def owned(self, group: str, kinds: Sequence[str]) -> list[Json]:
        """Return the objects of these kinds that stanlocal has made for the group, each with its kind."""
        labels = {LABEL: FIELD_MANAGER, _GROUP: group}
        found = []
        for kind in kinds:
            own = {**labels, NAMESPACE: self._namespace} if kind in _IN_NO_NAMESPACE else labels
            query = {"labelSelector": ",".join(f"{key}={value}" for key, value in own.items())}
            try:
                listed = await self._api.get(self._path(kind), query)
            except NotAllowed:
                if kind not in _IN_NO_NAMESPACE:
                    raise
                continue  # without that permission none can have been made
            items = listed.get("items") or ()
            found += [{**each, "kind": kind} for each in items if self._is_own(kind, each)]
        return found

    async def remove(self, objects: Sequence[Json]) -> None:
        """Remove these objects; their pods end with their own grace."""
        for each in objects:
            options = {"propagationPolicy": "Background", "preconditions": {"uid": uid_of(each)}}
            try:
                await self._api.change("DELETE", self._path(each["kind"], name_of(each)), options)
            except Missing:
                continue

    async def find(self, kind: str, name: str) -> Json | None:
        """Return an object; None if there is none."""
        try:
            return await self._api.get(self._path(kind, name))
        except Missing:
            return None

    def _is_own(self, kind: str, thing: Json) -> bool:
        if kind not in _IN_NO_NAMESPACE:
            return is_ours(thing)
        labels = path_of(thing, "metadata", "labels") or {}
        return is_ours(thing) and labels.get(NAMESPACE) == self._namespace

    def _marked(self, group: str, thing: Json) -> Json:
        made = copy.deepcopy(thing)
        own = {NAMESPACE: self._namespace} if made["kind"] in _IN_NO_NAMESPACE else {}
        labels = made["metadata"].get("labels") or {}
        made["metadata"]["labels"] = {**labels, LABEL: FIELD_MANAGER, _GROUP: group, **own}
        return made

    def _path(self, kind: str, name: str = "") -> str:
        root, plural = _PLURALS[kind]
        where = "" if kind in _IN_NO_NAMESPACE else f"/namespaces/{quote(self._namespace)}"
        return f"{root}{where}/{plural}{'/' + quote(name) if name else ''}"

    async def _until_bound(self, claim: str) -> None:
        query = {"fieldSelector": f"metadata.name={claim}"}
        feed = Feed(self._api, self._path("PersistentVolumeClaim"), query, lambda each: True)
        found = (await feed.list()).get(claim)
        try:
            async with asyncio.timeout(_BOUND_S), aclosing(feed.changes()) as changes:
                while path_of(found, "status", "phase") != "Bound":
                    _, _, found = await anext(changes)
        except TimeoutError:
            return  # the pods' own state says why they wait


def node_objects() -> tuple[str, ...]:
    """Return the kinds of all objects but the store's, in the order in which they are removed."""
    return tuple(kind for kind in _PLURALS if kind not in STORE)


def _needed(objects: Sequence[Json]) -> Iterator[tuple[str, str]]:
    """Yield kind and name of the objects that the pods name."""
    for each in objects:
        pod = path_of(each, "spec", "template", "spec") or {}
        for volume in pod.get("volumes") or ():
            if claim := path_of(volume, "persistentVolumeClaim", "claimName"):
                yield "PersistentVolumeClaim", claim
            if secret := path_of(volume, "secret", "secretName"):
                yield "Secret", secret
        for container in pod.get("containers") or ():
            for variable in container.get("env") or ():
                if secret := path_of(variable, "valueFrom", "secretKeyRef", "name"):
                    yield "Secret", secret
