"""Ends and beginnings of a pod: deletion until its server has ended, and the wait until it runs again.

A StatefulSet makes the next pod of that name at once, so everything here identifies a pod by its uid.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime
from typing import Any

from stanlocal.engine.kubernetes.answers import Json
from stanlocal.engine.kubernetes.api import Api
from stanlocal.engine.kubernetes.errors import Missing, Refused
from stanlocal.engine.kubernetes.pod_feed import Feed
from stanlocal.engine.kubernetes.pods import name_of, path_of, run_of, uid_of
from stanlocal.errors import EngineError, NodeUnreachable
from stanlocal.model.instance import Exit

KILLED = 137
TERMINATED = 143
"""Exit codes of a server whose pod was deleted at once, or with a grace, and left none to be read."""
_USUAL_GRACE_S = 30
"""Grace of a pod that names none, as the API has it."""
_CONFIRMED_S = 60.0
"""Seconds beyond the grace for the machine to report the end: it takes one or two."""
_RUNS_S = 60.0
"""Seconds for a pod to be placed and its server to be started, images included."""
_HOPELESS = ("ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError")
"""Reasons for which a container waits that no further waiting changes."""


async def end(
    api: Api, folder: str, pod: Json, container: str, grace_s: float | None, asked_at: datetime
) -> Exit:
    """Delete the pod, and return how its server ended.

    `folder` is the path of the namespace's pods; `asked_at` when its end was first asked for; `grace_s` the
    seconds between SIGTERM and SIGKILL, 0 for SIGKILL at once, None for the pod's own. Raises
    `NodeUnreachable` if the machine reports no end.
    """
    name, unknown = name_of(pod), KILLED if grace_s == 0 else TERMINATED
    options: Json = {"preconditions": {"uid": uid_of(pod)}}
    if grace_s is not None:
        options["gracePeriodSeconds"] = math.ceil(grace_s)
    feed = _feed(api, folder, name, lambda each: uid_of(each) == uid_of(pod))
    last = (await feed.list()).get(name)
    try:
        await api.change("DELETE", f"{folder}/{name}", options)
    except Missing:
        return _exit(last, container, asked_at, unknown)
    except Refused as refusal:  # another pod has the name by now
        now = (await _feed(api, folder, name, lambda each: True).list()).get(name)
        if uid_of(now or {}) == uid_of(pod):
            raise refusal
        return _exit(last, container, asked_at, unknown)
    own = path_of(pod, "spec", "terminationGracePeriodSeconds")
    grace = grace_s if grace_s is not None else own if isinstance(own, int) else _USUAL_GRACE_S
    try:
        async with asyncio.timeout(grace + _CONFIRMED_S), aclosing(feed.changes()) as changes:
            async for _, before, after in changes:
                if after is None:
                    return _exit(before, container, asked_at, unknown)
                if run_of(after, container).status == "exited":
                    return _exit(after, container, asked_at, unknown)
    except TimeoutError:
        machine = path_of(pod, "spec", "nodeName")
        raise NodeUnreachable(
            f"the machine {machine} has not ended {name} within {grace + _CONFIRMED_S:g} s; its server may "
            "still run there"
        ) from None
    raise AssertionError("a watch has no end")


def _exit(pod: Json | None, container: str, asked_at: datetime, unknown: int) -> Exit:
    """Return the end of the pod's server; the cluster rounds times down to seconds.

    An end that it has not recorded counts from the request on: its effects may come before the answer.
    """
    run = None if pod is None else run_of(pod, container)
    if run is None or run.status != "exited" or run.finished_at is None:
        return Exit(unknown, asked_at)
    return Exit(unknown if run.exit_code is None else run.exit_code, max(run.finished_at, asked_at))


async def until_runs(
    api: Api, folder: str, name: str, container: str, keep: Callable[[Json], bool] = lambda pod: True
) -> Json:
    """Return the pod of that name once its server's container runs and the pod is not being deleted.

    `keep` selects the pods that count. Raises `EngineError`, with the cluster's reason, if it does not come
    to that.
    """
    feed = _feed(api, folder, name, keep)
    pod = (await feed.list()).get(name)
    try:
        async with asyncio.timeout(_RUNS_S), aclosing(feed.changes()) as changes:
            while pod is None or not _runs(pod, container):
                if pod is not None and (reason := _waits_for(pod, container)).startswith(_HOPELESS):
                    raise EngineError(f"{name} does not start: {reason}; see 'kubectl describe pod {name}'")
                _, _, pod = await anext(changes)
    except TimeoutError:
        why = "its StatefulSet has not made its pod" if pod is None else _waits_for(pod, container)
        raise EngineError(
            f"{name} does not run after {_RUNS_S:g} s: {why}; see 'kubectl describe pod {name}'"
        ) from None
    return pod


def _runs(pod: Json, container: str) -> bool:
    return path_of(pod, "metadata", "deletionTimestamp") is None and run_of(pod, container).running


def _waits_for(pod: Json, container: str) -> str:
    run = run_of(pod, container)
    if run.error is not None:
        return run.error
    return "its pod is being deleted" if path_of(pod, "metadata", "deletionTimestamp") else "it is starting"


def _feed(api: Api, folder: str, name: str, keep: Callable[[Any], bool]) -> Feed:
    return Feed(api, folder, {"fieldSelector": f"metadata.name={name}"}, keep)
