"""The pods of a StatefulSet that should run, and those that are held back. Pure.

A StatefulSet can leave out its first or its last pods only: by the number of its replicas, and by the ordinal
that they start at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

from stanlocal.engine.kubernetes.ownership import is_ours
from stanlocal.engine.kubernetes.pods import name_of, path_of
from stanlocal.errors import EngineError

Json: TypeAlias = dict[str, Any]

NODES = "stanlocal/nodes"
"""Annotation of a StatefulSet that stanlocal has made: the number of the group's nodes, those held back
included."""
MOST_NODES = 1000
"""Nodes of one group that are looked at."""


def scaled(workload: Mapping[str, Any]) -> range:
    """Return the ordinals of the pods that the StatefulSet keeps running."""
    replicas = path_of(workload, "spec", "replicas")
    first = path_of(workload, "spec", "ordinals", "start") or 0
    return range(first, first + (1 if replicas is None else int(replicas)))


def planned(workload: Mapping[str, Any]) -> range:
    """Return the ordinals of the group's nodes, those held back included."""
    count = (path_of(workload, "metadata", "annotations") or {}).get(NODES, "")
    known = is_ours(workload) and count.isascii() and count.isdecimal() and len(count) < 5
    if known and int(count) <= MOST_NODES:
        return range(int(count))
    return scaled(workload)


def listed(ordinals: range, workload: Mapping[str, Any]) -> list[int]:
    """Return the ordinals one by one; raise `EngineError` for more than a group can have."""
    count = ordinals.stop - ordinals.start
    if count > MOST_NODES:
        name = name_of(workload)
        raise EngineError(
            f"the StatefulSet {name!r:.300} has {count} replicas; a group has at most {MOST_NODES}"
        )
    return list(ordinals)


def is_held(workload: Mapping[str, Any], ordinal: int) -> bool:
    """Return whether a node of the group is held back."""
    return ordinal in planned(workload) and ordinal not in scaled(workload)


def rest_without(workload: Mapping[str, Any], ordinals: Collection[int]) -> range | None:
    """Return the pods that run without these; None if a StatefulSet cannot leave them out."""
    return _as_range([each for each in listed(scaled(workload), workload) if each not in ordinals])


def rest_with(workload: Mapping[str, Any], ordinals: Collection[int]) -> range | None:
    """Return the pods that run with these; None if others would have to run, too."""
    return _as_range(sorted({*listed(scaled(workload), workload), *ordinals}))


def _as_range(ordinals: list[int]) -> range | None:
    if not ordinals:
        return range(0)
    found = range(ordinals[0], ordinals[-1] + 1)
    return found if len(found) == len(ordinals) else None


def patch_of(ordinals: range) -> Json:
    """Return the merge patch by which a StatefulSet runs these pods."""
    return {"spec": {"replicas": len(ordinals), "ordinals": {"start": ordinals.start}}}
