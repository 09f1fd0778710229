"""Pods of a StatefulSet as nodes: what the cluster says about each. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from stanlocal.errors import EngineError
from stanlocal.model.instance import EngineEvent, Instance, Status
from stanlocal.model.plan import GroupPlan

Json: TypeAlias = dict[str, Any]

_WAITS = ("ContainerCreating", "PodInitializing", "")
"""Reasons for which a container that is all right waits."""

_YEARS = range(1970, 9999)
"""Years of which a time can be shown in every zone; the first year stands for no time."""


@dataclass(frozen=True, slots=True)
class Run:
    """The container's present or last run."""

    status: Status
    container_id: str
    """Id of the run's container; empty before the first."""
    restarts: int
    started_at: datetime | None
    finished_at: datetime | None
    exit_code: int | None
    error: str | None
    ended_before: datetime | None
    """End of the run before; None in the first."""

    @property
    def running(self) -> bool:
        return self.status == "running"


def path_of(value: Any, *steps: str) -> Any:
    """Return the value at a path of names; None where it has none."""
    for step in steps:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def name_of(thing: Mapping[str, Any]) -> str:
    return str(path_of(thing, "metadata", "name") or "")


def uid_of(thing: Mapping[str, Any]) -> str:
    return str(path_of(thing, "metadata", "uid") or "")


def version_of(thing: Mapping[str, Any]) -> str:
    return str(path_of(thing, "metadata", "resourceVersion") or "")


def index_of(pod: Json, group: str) -> int | None:
    """Return the pod's ordinal; None for a pod that is not one of the StatefulSet's."""
    ordinal = name_of(pod).removeprefix(f"{group}-")
    return int(ordinal) if ordinal.isascii() and ordinal.isdecimal() and len(ordinal) < 6 else None


def members(pods: Sequence[Json], workload: Json) -> dict[str, Json]:
    """Return the pods that the StatefulSet has made, by name: others may match its selector."""
    uid, group = uid_of(workload), name_of(workload)
    return {
        name_of(pod): pod
        for pod in pods
        if index_of(pod, group) is not None
        and any(path_of(owner, "uid") == uid for owner in path_of(pod, "metadata", "ownerReferences") or ())
    }


def selector_of(workload: Json) -> str:
    """Return the StatefulSet's selector as the API takes it in a query; raise `EngineError` if none fits."""
    labels = path_of(workload, "spec", "selector", "matchLabels") or {}
    terms = [f"{key}={value}" for key, value in labels.items()]
    for each in path_of(workload, "spec", "selector", "matchExpressions") or ():
        key, values = each.get("key"), ",".join(each.get("values") or ())
        written = {
            "In": f"{key} in ({values})",
            "NotIn": f"{key} notin ({values})",
            "Exists": f"{key}",
            "DoesNotExist": f"!{key}",
        }
        operator = each.get("operator")
        if operator not in written:
            raise EngineError(
                f"the selector of the StatefulSet {name_of(workload)!r:.300} has an unknown operator: "
                f"{operator!r:.100}"
            )
        terms.append(written[operator])
    return ",".join(terms)


def run_of(pod: Json, container: str) -> Run:
    """Return the run of the pod's container."""
    statuses = path_of(pod, "status", "containerStatuses") or ()
    found: Json = next((each for each in statuses if each.get("name") == container), {})
    state, last = found.get("state") or {}, found.get("lastState") or {}
    running, ended = state.get("running"), state.get("terminated")
    before = last.get("terminated") or {}
    restarts = int(found.get("restartCount") or 0)
    if running:
        started, until = time_of(running.get("startedAt")), time_of(before.get("finishedAt"))
        own = str(found.get("containerID") or "")
        return Run("running", own, restarts, started, None, None, None, until)
    waiting = state.get("waiting") or {}
    if not ended and before:  # it waits for its next run: what is there is the last one
        ended, before = before, {}
    if ended:
        code, reason = ended.get("exitCode"), ended.get("reason")
        return Run(
            "exited",
            str(ended.get("containerID") or ""),
            restarts,
            time_of(ended.get("startedAt")),
            time_of(ended.get("finishedAt")),
            int(code) if isinstance(code, int) else None,
            "it was killed for its memory (OOMKilled)" if reason == "OOMKilled" else None,
            time_of(before.get("finishedAt")),
        )
    return Run("created", "", restarts, None, None, None, _obstacle(pod, waiting), None)


def _obstacle(pod: Json, waiting: Json) -> str | None:
    """Return why a pod that was made does not start; None while it is on its way."""
    reason = str(waiting.get("reason") or "")
    if reason not in _WAITS:
        return f"{reason}: {' '.join(str(waiting.get('message') or '').split())[:300]}".rstrip(": ")
    for each in path_of(pod, "status", "conditions") or ():
        if each.get("type") == "PodScheduled" and each.get("status") == "False":
            return f"{each.get('reason')}: {' '.join(str(each.get('message') or '').split())[:300]}"
    if path_of(pod, "status", "phase") == "Failed":
        return str(path_of(pod, "status", "message") or path_of(pod, "status", "reason") or "its pod failed")
    return None


def lost(pod: Json, machine: Json | None) -> str | None:
    """Return why the pod's machine counts as lost; None while it answers the cluster.

    `machine` is the cluster's node, None where the caller may not see it: then the pod's conditions show it,
    as the cluster marks the pods of a lost node unready, and their containers stay as they were.
    """
    name = path_of(pod, "spec", "nodeName")
    if not name:
        return None
    for each in path_of(machine, "status", "conditions") or ():
        if each.get("type") == "Ready" and each.get("status") != "True":
            since = each.get("lastTransitionTime")
            word = "does not answer" if each.get("status") == "Unknown" else "is not ready"
            return f"the machine {name} {word} since {since} ({each.get('reason')})"
    if machine is not None:
        return None
    conditions = {each.get("type"): each for each in path_of(pod, "status", "conditions") or ()}
    ready, containers = conditions.get("Ready") or {}, conditions.get("ContainersReady") or {}
    gates = path_of(pod, "spec", "readinessGates")
    if ready.get("status") == "False" and containers.get("status") == "True" and not gates:
        return f"the machine {name} does not answer since {ready.get('lastTransitionTime')}"
    return None


def instance(
    plan: GroupPlan,
    name: str,
    index: int,
    pod: Json | None,
    container: str,
    away: str | None,
    cut: str | None = None,
) -> Instance:
    """Return the node whose pod this is; None: the StatefulSet has not made it, or it is gone.

    `away` is why its machine counts as lost, `cut` how far stanlocal has cut it off (`routes`, `all`).
    """
    run = Run("created", "", 0, None, None, None, None, None) if pod is None else run_of(pod, container)
    machine = path_of(pod, "spec", "nodeName")
    return Instance(
        group=plan.group,
        name=name,
        index=index,
        id=uid_of(pod or {}),
        status=run.status,
        pid=None,
        exit_code=run.exit_code,
        error=run.error,
        started_at=run.started_at,
        finished_at=run.finished_at,
        routes_connected=away is None and cut is None,
        clients_connected=away is None and cut != "all",
        fingerprint="",
        plan=plan,
        begun_after=run.ended_before,
        machine=str(machine) if machine else None,
        lost=away,
    )


def changes(name: str, before: Json | None, after: Json | None, container: str) -> Iterator[EngineEvent]:
    """Yield the events between two looks at the node's pod; None: it is not there."""
    if uid_of(before or {}) != uid_of(after or {}):
        if before is not None:
            yield from _gone(name, before, container)
        if after is not None:
            yield EngineEvent(_made(after), name, "create")
            before = None
    if after is None:
        return
    now = run_of(after, container)
    then = run_of(before, container) if before is not None else None
    if then is not None and then.running and then.container_id != now.container_id and now.ended_before:
        yield EngineEvent(now.ended_before, name, "die", _code_before(after, container))
    if now.running and (then is None or then.container_id != now.container_id):
        yield EngineEvent(now.started_at or _now(), name, "start")
    ended_now = now.status == "exited" and (
        then is None or (then.container_id, then.status) != (now.container_id, now.status)
    )
    if ended_now and before is not None:
        yield EngineEvent(now.finished_at or _now(), name, "die", now.exit_code)
    if before is not None and lost(before, None) != lost(after, None):
        yield EngineEvent(_now(), name, "networks")


def _gone(name: str, pod: Json, container: str) -> Iterator[EngineEvent]:
    """Yield the end of a pod that is not there any more, and of its server, if that still ran."""
    if run_of(pod, container).running:
        yield EngineEvent(_now(), name, "die")
    yield EngineEvent(_now(), name, "destroy")


def has_run_before(pod: Json, container: str) -> bool:
    """Whether the machine has kept the output of the container's previous run."""
    return any(
        each.get("name") == container and path_of(each, "lastState", "terminated") is not None
        for each in path_of(pod, "status", "containerStatuses") or ()
    )


def _code_before(pod: Json, container: str) -> int | None:
    for each in path_of(pod, "status", "containerStatuses") or ():
        code = path_of(each, "lastState", "terminated", "exitCode")
        if each.get("name") == container and isinstance(code, int):
            return code
    return None


def _made(pod: Json) -> datetime:
    return time_of(path_of(pod, "metadata", "creationTimestamp")) or _now()


def _now() -> datetime:
    return datetime.now(UTC)


def time_of(stamp: Any) -> datetime | None:
    """Return the time of an API object's stamp; None for none, and for one of no year that a server saw."""
    try:
        time = datetime.fromisoformat(stamp) if isinstance(stamp, str) else None
    except ValueError:
        return None
    return time if time is not None and time.tzinfo is not None and time.year in _YEARS else None
