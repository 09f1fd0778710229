"""The objects of one group, as far as the caller may see them: its workload, pods, store. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stanlocal.engine.kubernetes.pods import Json, name_of, path_of

CLAIMS, VOLUMES, CLASSES, MACHINES = "persistentvolumeclaims", "persistentvolumes", "storageclasses", "nodes"


@dataclass(frozen=True, slots=True)
class GroupObjects:
    """The objects of one StatefulSet, each as the API has it."""

    namespace: str
    workload: Json
    files: Sequence[Json] = ()
    """The ConfigMaps, and Secrets where the configuration is in one, that the server reads."""
    pods: Mapping[str, Json] = field(default_factory=dict)
    claims: Mapping[str, Json] = field(default_factory=dict)
    """Those that the pods' volumes name, by name, as far as they are there."""
    volumes: Mapping[str, Json] = field(default_factory=dict)
    """Those that the claims are bound to, by name."""
    classes: Mapping[str, Json] = field(default_factory=dict)
    """Those of the claims, by name, as far as they are there."""
    machines: Sequence[Json] = ()
    unseen: Mapping[str, str] = field(default_factory=dict)
    """Kinds of objects that the caller may not see, by plural name, with the permission that is missing."""

    @property
    def name(self) -> str:
        return name_of(self.workload)


def class_of(claim: Json) -> str | None:
    """Return the name of the claim's storage class; None if it has none."""
    annotation = (path_of(claim, "metadata", "annotations") or {}).get(
        "volume.beta.kubernetes.io/storage-class"
    )
    name = path_of(claim, "spec", "storageClassName") or annotation
    return str(name) if name else None
