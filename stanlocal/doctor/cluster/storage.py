"""Rules about the store's volume: that all pods have the same one, and that all machines can. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stanlocal.doctor.cluster.deployed_group import POD, DeployedGroup
from stanlocal.doctor.cluster.finding import Finding, Problem, Unseen
from stanlocal.engine.kubernetes.group_objects import CLAIMS, MACHINES, VOLUMES
from stanlocal.engine.kubernetes.pods import path_of

_MANY = "ReadWriteMany"
_OWN = "a standby that takes over finds none of the active's messages"
_SHARED = "put the store on one claim, ReadWriteMany, for all pods:"
_EXPORT = ("stanlocal export kubernetes --storage nfs",)
_OF_POD = ("emptyDir", "ephemeral")
_ONE_MACHINE = frozenset({"ebs.csi.aws.com", "disk.csi.azure.com", "pd.csi.storage.gke.io"})
"""Drivers of disks, which one machine at a time can mount."""
_NO_LOCKS = frozenset({"s3.csi.aws.com", "gcsfuse.csi.storage.gke.io", "blob.csi.azure.com"})
"""Drivers of object stores, whose locks stay on the machine that takes them."""


def claim(group: DeployedGroup) -> Iterator[Finding]:
    """Yield problems where the pods have no store in common, or the claim does not serve all of them."""
    if not group.has_files:
        return
    mount = group.store_mount
    if mount is None:
        detail = f"the store, {group.server.store_dir or 'in the container'}, is on no volume: {_OWN}"
        yield Problem(group.at_container("volumeMounts"), detail, _SHARED, _EXPORT)
        return
    at = group.at_container(f"volumeMounts[{mount.get('name')}]")
    if mount.get("readOnly"):
        detail = "the store cannot be written: every node goes on as if another had the lock, for ever"
        yield Problem(f"{at}.readOnly", detail, "mount it writable")
    if "$(" in str(mount.get("subPathExpr") or ""):
        yield Problem(f"{at}.subPathExpr", f"each pod has a folder of its own: {_OWN}", "use one subPath")
    yield from _volume_of_pods(group, str(mount.get("name")))


def _volume_of_pods(group: DeployedGroup, name: str) -> Iterator[Finding]:
    volume = group.volume(name)
    if volume is None:
        templates = path_of(group.workload, "spec", "volumeClaimTemplates") or ()
        if any(path_of(each, "metadata", "name") == name for each in templates):
            where = group.at(f"spec.volumeClaimTemplates[{name}]")
            yield Problem(where, f"each pod has a claim of its own: {_OWN}", _SHARED, _EXPORT)
        return
    if kind := next((each for each in _OF_POD if each in volume), None):
        where = group.at(f"{POD}.volumes[{name}].{kind}")
        yield Problem(where, f"each pod has a volume of its own: {_OWN}", _SHARED, _EXPORT)
    if group.claim_name:
        yield from _bound(group, group.claim_name)


def _bound(group: DeployedGroup, name: str) -> Iterator[Finding]:
    where = f"persistentvolumeclaim/{name}"
    if permission := group.objects.unseen.get(CLAIMS):
        yield Unseen(where, permission)
        return
    found = group.objects.claims.get(name)
    if found is None:
        yield Problem(where, "there is no such claim: no pod can start", _SHARED, _EXPORT)
        return
    phase = path_of(found, "status", "phase")
    if phase != "Bound":
        shown = (group.kubectl("describe", "persistentvolumeclaim", name),)
        yield Problem(f"{where} status.phase", f"it is {phase}: no pod can start", "see why:", shown)
    modes = path_of(found, "spec", "accessModes") or ()
    if _MANY not in modes:
        yield Problem(
            f"{where} spec.accessModes",
            f"{', '.join(modes) or 'none'}: pods on other machines than the first cannot start, so that no "
            "standby is there when it fails",
            f"modes cannot be changed: make another, {_MANY}, and copy the store to it while no pod runs",
        )


def volume(group: DeployedGroup) -> Iterator[Finding]:
    """Yield problems where the volume cannot be one folder, with locks, for all machines."""
    if not group.has_files or (mount := group.store_mount) is None:
        return
    name = group.claim_name
    if name is None:
        inline = group.volume(mount.get("name")) or {}
        where = group.at(f"{POD}.volumes[{mount.get('name')}]")
        yield from _lies(group, inline, where, {})
        return
    bound = path_of(group.objects.claims.get(name), "spec", "volumeName")
    if CLAIMS in group.objects.unseen or not bound:
        return  # `claim` says so
    where = f"persistentvolume/{bound}"
    if permission := group.objects.unseen.get(VOLUMES):
        yield Unseen(where, permission)
    elif found := group.objects.volumes.get(str(bound)):
        spec = path_of(found, "spec") or {}
        yield from _lies(group, spec, f"{where} spec", spec)


def _lies(
    group: DeployedGroup, source: Mapping[str, Any], at: str, spec: Mapping[str, Any]
) -> Iterator[Finding]:
    driver = str(path_of(source, "csi", "driver") or "")
    if driver in _ONE_MACHINE:
        detail = f"{driver} makes disks, which only one machine can mount, whatever the access mode says"
        yield Problem(f"{at}.csi.driver", detail, _SHARED, _EXPORT)
    if driver in _NO_LOCKS:
        detail = (
            f"{driver} keeps locks on the machine that takes them: two nodes can be active over one store"
        )
        yield Problem(f"{at}.csi.driver", detail, _SHARED, _EXPORT)
    kind = next((each for each in ("hostPath", "local") if each in source), None)
    if kind is None:
        return
    path = path_of(source, kind, "path")
    if path_of(spec, "nodeAffinity", "required") or _pinned(group):
        detail = f"{path} is a folder of one machine, with which all nodes fail together"
        yield Problem(f"{at}.{kind}", detail, _SHARED, _EXPORT)
        return
    used = {name for pod in group.objects.pods.values() if (name := path_of(pod, "spec", "nodeName"))}
    if len(used) > 1 or len(group.objects.machines) > 1:
        detail = f"{path} is a folder of each machine, whatever the access mode says: {_OWN} on another one"
        yield Problem(f"{at}.{kind}", detail, _SHARED, _EXPORT)
    elif permission := group.objects.unseen.get(MACHINES):
        yield Unseen(f"nodes, of which {path} is a folder of each", permission)


def _pinned(group: DeployedGroup) -> bool:
    """Whether the pods may run on one machine only."""
    return bool(
        group.pod.get("nodeName") or (group.pod.get("nodeSelector") or {}).get("kubernetes.io/hostname")
    )
