"""Recognition of the objects that stanlocal has made in a cluster. Pure.

Two marks have to agree: a label, by which people find them, and the field manager, which the API server
records. A label alone goes along with every copy of a manifest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stanlocal.engine.kubernetes.pods import path_of

FIELD_MANAGER = "stanlocal"
"""Name under which stanlocal applies objects."""
LABEL = "app.kubernetes.io/managed-by"


def is_ours(thing: Mapping[str, Any]) -> bool:
    """Return whether stanlocal has made the object."""
    labels = path_of(thing, "metadata", "labels") or {}
    managers = path_of(thing, "metadata", "managedFields") or ()
    applied = any(
        each.get("manager") == FIELD_MANAGER and each.get("operation") == "Apply" for each in managers
    )
    return applied and labels.get(LABEL) == FIELD_MANAGER
