"""The rule about mount options: none may keep locks on one machine, or forever. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stanlocal.doctor.cluster.deployed_group import DeployedGroup
from stanlocal.doctor.cluster.finding import Finding, Problem, Unseen
from stanlocal.engine.kubernetes.group_objects import CLAIMS, CLASSES, VOLUMES, class_of
from stanlocal.engine.kubernetes.pods import path_of

_BAD = {
    r"nobrl|nolock|local_lock=(?:all|posix)": (
        "keeps locks on the machine that takes them: two nodes can be active over one store"
    ),
    r"(?:nfs)?vers=3(?:\.\d+)?|v3": (
        "is NFS 3: the lock of a machine that fails may stay for ever, so that no standby takes over"
    ),
}
"""Options, as patterns, and their effect."""
_ANNOTATION = "volume.beta.kubernetes.io/mount-options"


def mount(group: DeployedGroup) -> Iterator[Finding]:
    """Yield a problem for each bad option of the volume; of the class if there is no volume to see."""
    name = group.claim_name
    if not group.has_files or name is None or CLAIMS in group.objects.unseen:
        return
    found = group.objects.claims.get(name)
    bound = str(path_of(found, "spec", "volumeName") or "")
    volume = group.objects.volumes.get(bound)
    if volume is not None:
        annotated = (path_of(volume, "metadata", "annotations") or {}).get(_ANNOTATION)
        options = [*(path_of(volume, "spec", "mountOptions") or ()), *str(annotated or "").split(",")]
        cure = "take it out of the volume and its class, then end all pods before one starts again:"
        commands = (
            group.kubectl("edit", "persistentvolume", bound),
            group.kubectl("scale", f"statefulset/{group.name}", "--replicas=0"),
            group.kubectl("scale", f"statefulset/{group.name}", f"--replicas={group.replicas}"),
        )
        yield from _bad(f"persistentvolume/{bound} spec.mountOptions", options, cure, commands)
        return
    if bound and (permission := group.objects.unseen.get(VOLUMES)):
        yield Unseen(f"persistentvolume/{bound} spec.mountOptions", permission)
    kind = class_of(found) if found is not None else None
    if kind is None:
        return
    where = f"storageclass/{kind} mountOptions"
    if permission := group.objects.unseen.get(CLASSES):
        yield Unseen(where, permission)
    elif made := group.objects.classes.get(kind):
        cure = "options of a class cannot be changed: make another class without it, and the claim of that"
        yield from _bad(where, made.get("mountOptions") or (), cure, ())


def _bad(where: str, options: object, cure: str, commands: tuple[str, ...]) -> Iterator[Finding]:
    for option in options if isinstance(options, list | tuple) else ():
        for each in str(option).split(","):
            effect = next((why for bad, why in _BAD.items() if re.fullmatch(bad, each.strip())), None)
            if effect is not None:
                yield Problem(where, f"{each.strip()} {effect}", cure, commands)
