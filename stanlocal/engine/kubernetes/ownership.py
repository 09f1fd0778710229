"""Recognition of the objects that stanlocal has made in a cluster. Pure.

Two marks have to agree: a label, by which people find them, and the field manager, which the API server
records. A label alone goes along with every copy of a manifest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from stanlocal.engine.kubernetes.pods import path_of

FIELD_MANAGER = "stanlocal"
"""Name under which stanlocal applies objects."""
LABEL = "app.kubernetes.io/managed-by"
SETTINGS = "stanlocal/settings"
"""Annotation of a StatefulSet that stanlocal has made: the group's settings as JSON, with secrets hidden."""


def kept_settings(workload: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the trees `streaming` and `nats` that stanlocal has noted; None if it did not make the group."""
    text = (path_of(workload, "metadata", "annotations") or {}).get(SETTINGS)
    if text is None or not is_ours(workload):
        return None
    try:
        found = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None
    trees = [found.get(name) for name in ("streaming", "nats")] if isinstance(found, dict) else [None]
    return found if all(isinstance(tree, dict) for tree in trees) else None


def is_ours(thing: Mapping[str, Any]) -> bool:
    """Return whether stanlocal has made the object."""
    labels = path_of(thing, "metadata", "labels") or {}
    managers = path_of(thing, "metadata", "managedFields") or ()
    applied = any(
        each.get("manager") == FIELD_MANAGER and each.get("operation") == "Apply" for each in managers
    )
    return applied and labels.get(LABEL) == FIELD_MANAGER
