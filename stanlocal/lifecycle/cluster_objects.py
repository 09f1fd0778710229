"""The objects of a group that stanlocal brings up on a cluster: those that `export kubernetes` writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stanlocal.errors import SettingsError
from stanlocal.model.plan import GroupPlan
from stanlocal.settings.cluster import DEFAULT_STORAGE

if TYPE_CHECKING:  # looking at groups writes none
    from stanlocal.export.objects import Storage

_OF_PODS = ("cpu", "memory", "memory_limit", "metrics_image")
_OF_STORAGE = ("storage_class", "file_system", "nfs_server", "nfs_path")


class ClusterObjects:
    """Writer of objects; a `stanlocal.engine.kubernetes.changing.Writer`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Take the settings in `kubernetes`."""
        self._options = options

    def objects(self, plan: GroupPlan, namespace: str, claim: str | None) -> Sequence[dict[str, Any]]:
        """Return the objects of the group, in the order in which they are applied.

        `claim` is the one that the group has already, if it is there. The plan's secrets are in a Secret.
        Raises `SettingsError` for a storage that is only an example.
        """
        from stanlocal.access.server_files import trusting
        from stanlocal.export import kubernetes

        store = self._storage(claim or f"{plan.group}-store")
        if store.placeholders:
            raise SettingsError([f"kubernetes.storage {store.kind}: {line}" for line in store.placeholders])
        pods = {name: self._options[name] for name in _OF_PODS if name in self._options}
        deployment = kubernetes.Deployment(plan.group, store, namespace, **pods)
        plan = replace(plan, streaming=trusting(plan.streaming, plan.nats))
        secret = kubernetes.secret(plan, deployment)
        return [*([secret] if secret is not None else []), *kubernetes.objects(plan, deployment)]

    def _storage(self, usual_claim: str) -> Storage:
        from stanlocal.export.objects import Storage

        options = self._options
        given = {name: options[name] for name in _OF_STORAGE if name in options}
        if "storage_size" in options:
            given["size"] = options["storage_size"]
        kind = options.get("storage", DEFAULT_STORAGE)
        return Storage(kind=kind, claim=options.get("claim", usual_claim), **given)
