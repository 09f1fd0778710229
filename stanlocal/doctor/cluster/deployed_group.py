"""A group's deployment as the rules see it: its objects, and the configuration of its servers. Pure."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from stanlocal.engine.kubernetes.group_objects import GroupObjects
from stanlocal.engine.kubernetes.pods import path_of
from stanlocal.imports.deployed import Deployed
from stanlocal.model.plan import STORE_DIR

Json: TypeAlias = Mapping[str, Any]

POD = "spec.template.spec"
"""Path of the pod in a StatefulSet."""


@dataclass(frozen=True, slots=True)
class DeployedGroup:
    """One StatefulSet that runs the server."""

    objects: GroupObjects
    server: Deployed
    kubectl_options: Sequence[str] = ()
    """Options by which kubectl finds the cluster and namespace."""

    @property
    def name(self) -> str:
        return self.objects.name

    @property
    def workload(self) -> Json:
        return self.objects.workload

    @property
    def pod(self) -> Json:
        """The spec of its pods."""
        return path_of(self.workload, "spec", "template", "spec") or {}

    @property
    def replicas(self) -> int:
        wanted = path_of(self.workload, "spec", "replicas")
        return 1 if wanted is None else int(wanted)

    @property
    def indices(self) -> range:
        """The numbers of its pods."""
        first = int(path_of(self.workload, "spec", "ordinals", "start") or 0)
        return range(first, first + self.replicas)

    @property
    def service(self) -> str:
        """Name of the Service that gives the pods their names."""
        return str(path_of(self.workload, "spec", "serviceName") or "")

    @property
    def ordered(self) -> bool:
        """Whether a pod is made only once the one before it is ready."""
        return bool(path_of(self.workload, "spec", "podManagementPolicy") != "Parallel")

    def containers(self) -> Iterator[Json]:
        return (each for each in self.pod.get("containers") or () if isinstance(each, Mapping))

    @property
    def container(self) -> Json:
        """The container that runs the server."""
        return next((each for each in self.containers() if each.get("name") == self.server.container), {})

    def at(self, path: str = "") -> str:
        """Name the StatefulSet, with a field of it."""
        return f"statefulset/{self.name} {path}".rstrip()

    def at_container(self, path: str, name: str | None = None) -> str:
        """Name a field of the server's container, or of the one with that name."""
        return self.at(f"{POD}.containers[{name or self.server.container}].{path}")

    def kubectl(self, *words: str) -> str:
        """Write a command line of kubectl for the group's namespace."""
        return shlex.join(["kubectl", *self.kubectl_options, *words])

    @property
    def store_mount(self) -> Json | None:
        """The mount of the server's container that the store is on; None if the store is on none."""
        store = posixpath.normpath(self.server.store_dir or STORE_DIR)
        mounts = [each for each in self.container.get("volumeMounts") or () if _holds(each, store)]
        return max(mounts, key=lambda each: len(str(each.get("mountPath"))), default=None)

    def volume(self, name: object) -> Json | None:
        """Return the pod's volume of that name; None if it has none."""
        return next((each for each in self.pod.get("volumes") or () if each.get("name") == name), None)

    @property
    def claim_name(self) -> str | None:
        """Name of the claim that the store of all pods is on; None without one."""
        mount = self.store_mount
        volume = None if mount is None else self.volume(mount.get("name"))
        name = path_of(volume, "persistentVolumeClaim", "claimName")
        return str(name) if name else None

    @property
    def has_files(self) -> bool:
        """Whether the store is in files: one in a database has its lock there."""
        return self.server.store in ("", "file")


def _holds(mount: Json, folder: str) -> bool:
    at = posixpath.normpath(str(mount.get("mountPath") or "/"))
    return folder == at or folder.startswith(at.rstrip("/") + "/")


def image_tag(image: str) -> str:
    """Return the tag of an image's name; empty without one."""
    last = image.partition("@")[0].rpartition("/")[2]
    return last.partition(":")[2]
