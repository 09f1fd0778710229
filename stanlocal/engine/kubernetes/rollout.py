"""The revision of its template that a StatefulSet brings its pods to."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from stanlocal.engine.kubernetes.answers import Json
from stanlocal.engine.kubernetes.api import Api
from stanlocal.engine.kubernetes.pod_feed import Feed
from stanlocal.engine.kubernetes.pods import path_of
from stanlocal.errors import EngineError

_SETTLED_S = 30.0
"""Seconds for the controller to notice a change of a StatefulSet; it takes milliseconds."""


def revision_of(pod: Json) -> str:
    """Return the revision that a pod was made from."""
    labels = path_of(pod, "metadata", "labels") or {}
    return str(labels.get("controller-revision-hash") or "")


async def settled(api: Api, folder: str, group: str) -> str:
    """Return the revision that the pods should have, once the controller has seen the latest change.

    `folder` is the path of the namespace's StatefulSets.
    """
    feed = Feed(api, folder, {"fieldSelector": f"metadata.name={group}"}, lambda each: True)
    workload = (await feed.list()).get(group)
    try:
        async with asyncio.timeout(_SETTLED_S), aclosing(feed.changes()) as changes:
            while workload is not None and not _is_observed(workload):
                _, _, workload = await anext(changes)
    except TimeoutError:
        raise EngineError(
            f"the cluster has not acted on the StatefulSet '{group}' within {_SETTLED_S:g} s; does its "
            "controller manager run?"
        ) from None
    if workload is None:
        raise EngineError(f"the StatefulSet '{group}' is gone; see 'stanlocal status'")
    return str(path_of(workload, "status", "updateRevision") or "")


def _is_observed(workload: Json) -> bool:
    generation, seen = (
        path_of(workload, *steps) for steps in (("metadata", "generation"), ("status", "observedGeneration"))
    )
    return bool(generation == seen)
