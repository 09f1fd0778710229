"""Rules about the pods themselves: their number, images, ends, and the exporter beside the server. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from stanlocal.doctor.cluster.deployed_group import POD, DeployedGroup, image_tag
from stanlocal.doctor.cluster.finding import Finding, Problem
from stanlocal.engine.kubernetes.pods import path_of
from stanlocal.export.pod import METRICS_IMAGE
from stanlocal.model.plan import STOP_GRACE_S

LEAST_GRACE_S = 10
"""Seconds that a server should have to write its buffers and close the files of each channel."""
_LAST_SERVER = "nats-streaming:0.25.6"
_FULL_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")
_EXPORTER = re.compile(r"(?:.*/)?prometheus-nats-exporter(?:[:@].*)?", re.DOTALL)
_FIRST_WITHOUT = (0, 17, 0)
"""Version of the exporter that dropped the options for NATS Streaming."""
_STREAMING_OPTIONS = frozenset({"channelz", "serverz"})
_STUCK = frozenset(
    {
        *("CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName"),
        *("CreateContainerConfigError", "CreateContainerError", "RunContainerError"),
    }
)
"""Reasons for which a container waits in vain."""


def replicas(group: DeployedGroup) -> Iterator[Finding]:
    """Yield a problem where no standby is wanted; a group of no pods is down, which is not one."""
    if group.replicas == 1:
        yield Problem(
            group.at("spec.replicas"),
            "1 pod: no standby can take over when it ends",
            "have two, on different machines, and name both in the routes:",
            (group.kubectl("scale", f"statefulset/{group.name}", "--replicas=2"),),
        )


def grace(group: DeployedGroup) -> Iterator[Finding]:
    """Yield a problem where a server is killed before it has closed its store."""
    seconds = group.pod.get("terminationGracePeriodSeconds")
    if not isinstance(seconds, int) or seconds >= LEAST_GRACE_S:
        return
    detail = f"a server is killed {seconds} s after it is asked to end, with the store open"
    if seconds == 0:
        detail = (
            "0 s: a deleted pod is replaced before its server has ended, so that only the file system's lock "
            "keeps two from being active"
        )
    patch = {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": STOP_GRACE_S}}}}
    command = group.kubectl("patch", f"statefulset/{group.name}", f"--patch={json.dumps(patch)}")
    yield Problem(
        group.at(f"{POD}.terminationGracePeriodSeconds"), detail, f"give it {STOP_GRACE_S} s:", (command,)
    )


def image(group: DeployedGroup) -> Iterator[Finding]:
    """Yield a problem where the server's image may be another one at the next start of a pod."""
    name = str(group.container.get("image") or "")
    if "@sha256:" in name or _FULL_VERSION.search(image_tag(name)):
        return
    tag = image_tag(name)
    moving = f"the tag '{tag}' is no version" if tag else "without a tag it is the newest"
    running = sorted({found for pod in group.objects.pods.values() for found in _running_image(group, pod)})
    now = f"; the pods run {', '.join(running)}" if running else ""
    yield Problem(
        group.at_container("image"),
        f"{name}: {moving}, so that a pod that is replaced may get another server than the rest{now}",
        "name the version that you run; the last one is:",
        (_set_image(group, group.server.container, _LAST_SERVER),),
    )


def _running_image(group: DeployedGroup, pod: Mapping[str, Any]) -> Iterator[str]:
    for each in path_of(pod, "status", "containerStatuses") or ():
        digest = str(each.get("imageID") or "")
        if each.get("name") == group.server.container and "@sha256:" in digest:
            yield digest


def _set_image(group: DeployedGroup, container: str, image: str) -> str:
    return group.kubectl("set", "image", f"statefulset/{group.name}", f"{container}={image}")


def exporter(group: DeployedGroup) -> Iterator[Finding]:
    """Yield a problem for an exporter that ends at once, as it does not know the options in its command."""
    for each in group.containers():
        name = str(each.get("image") or "")
        words = [str(word) for part in ("command", "args") for word in each.get(part) or ()]
        given = [word for word in words if word.lstrip("-").partition("=")[0] in _STREAMING_OPTIONS]
        if not _EXPORTER.fullmatch(name) or not given or _knows_streaming(name):
            continue
        own = str(each.get("name"))
        yield Problem(
            group.at_container("image", own),
            f"{name} ends at once: 0.17.0 and later do not know {' and '.join(given)}; no pod is ever ready",
            "take the last one that knows NATS Streaming:",
            (_set_image(group, own, METRICS_IMAGE),),
        )


def _knows_streaming(image: str) -> bool:
    """Whether the exporter's image knows the options, as far as its name shows."""
    tag = image_tag(image)
    if "@" in image and not tag:
        return True
    found = _FULL_VERSION.search(tag)
    return found is not None and tuple(map(int, found[0].split("."))) < _FIRST_WITHOUT


def containers(group: DeployedGroup) -> Iterator[Finding]:
    """Yield a problem for each container that does not run, those of the servers included."""
    for name, pod in sorted(group.objects.pods.items()):
        for each in path_of(pod, "status", "containerStatuses") or ():
            reason = _why_not(each)
            if reason is None:
                continue
            own = str(each.get("name"))
            shown = group.kubectl("logs", name, f"--container={own}", "--previous", "--tail=20")
            shown_all = group.kubectl("describe", "pod", name)
            yield Problem(
                f"pod/{name} status.containerStatuses[{own}]",
                f"{reason}, {each.get('restartCount') or 0} restarts",
                "see what it says, and what the cluster says about it:",
                (shown, shown_all),
            )


def _why_not(status: Mapping[str, Any]) -> str | None:
    """Return why a container does not run; None if it does, or is on its way."""
    waiting = path_of(status, "state", "waiting") or {}
    ended = path_of(status, "state", "terminated")
    if ended:
        return f"ended with exit code {ended.get('exitCode')} ({ended.get('reason')})"
    if waiting.get("reason") not in _STUCK:
        return None
    message = " ".join(str(waiting.get("message") or "").split())[:300]
    return f"{waiting['reason']}: {message}" if message else str(waiting["reason"])
