"""Answers of a Docker Engine about itself and about containers, as `EngineInfo` and `Instance`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from stanlocal.engine.base import EngineInfo
from stanlocal.engine.docker.labels import FINGERPRINT, GROUP, NODE, PLAN
from stanlocal.engine.docker.streams import parse_time
from stanlocal.errors import EngineError
from stanlocal.machine.locks import container_of
from stanlocal.model import plan_json
from stanlocal.model.instance import Instance, Status

_NEVER = "0001-01-01T00:00:00Z"
"""Time that the engine reports for a start or an end that has not happened."""

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i386": "386"}


def engine_info(info: Mapping[str, Any], again: Mapping[str, Any], name: str, address: str) -> EngineInfo:
    """Describe the engine, from two answers to the same `info` request."""
    return EngineInfo(
        name=name,
        version=str(info["ServerVersion"]),
        address=address,
        architecture=_ARCHITECTURES.get(info["Architecture"], info["Architecture"]),
        rootless=any("rootless" in option for option in info.get("SecurityOptions") or ()),
        local=info["KernelVersion"] == os.uname().release and info["Name"] == os.uname().nodename,
        id=engine_id(info, again),
        clock=parse_time(said) if (said := again.get("SystemTime")) else None,
    )


def engine_id(info: Mapping[str, Any], again: Mapping[str, Any]) -> str:
    """Identify the engine, from two answers to the same request.

    Engines on one machine can share the key that Docker's id is made of, but not their data. Podman gives
    another id with each answer, so its name and data folder are used.
    """
    id_ = info.get("ID")
    own = id_ if id_ and id_ == again.get("ID") else info.get("Name", "")
    return f"{own} {info.get('DockerRootDir', '')}".strip()


def instance(found: Mapping[str, Any]) -> Instance:
    """Return an inspected container as a node; raise `EngineError` if its labels hold no readable plan."""
    labels, state = found["Config"]["Labels"], found["State"]
    try:
        plan = plan_json.from_json(labels[PLAN])
        index = plan.node(labels[NODE]).index
    except (KeyError, ValueError) as error:
        name = found["Name"].removeprefix("/")
        raise EngineError(
            f"container '{name}' has labels of stanlocal that this version cannot read; remove it with "
            f"'docker rm -f {name}' and bring the group up again"
        ) from error
    networks = found["NetworkSettings"]["Networks"]
    pid = _pid_here(state["Pid"], found["Id"])
    running = bool(state["Running"])
    ended = None if state["FinishedAt"] == _NEVER else parse_time(state["FinishedAt"])
    return Instance(
        group=labels[GROUP],
        name=labels[NODE],
        index=index,
        id=found["Id"],
        status=_status(state["Status"], pid),
        pid=pid,
        exit_code=None if running or state["StartedAt"] == _NEVER else int(state["ExitCode"]),
        error="killed: out of memory" if state["OOMKilled"] else state["Error"] or None,
        started_at=None if state["StartedAt"] == _NEVER else parse_time(state["StartedAt"]),
        finished_at=None if running else ended,
        begun_after=ended if running else None,
        routes_connected=plan.cluster_network in networks,
        clients_connected=plan.client_network in networks,
        fingerprint=labels[FINGERPRINT],
        plan=plan,
    )


def _status(said: Any, pid: int | None) -> Status:
    """Return the status; the engine does not see that a signal from outside has frozen a process."""
    from stanlocal.machine.process_identity import is_stopped  # once an answer is there

    if said in ("dead", "removing"):
        return "exited"
    return "paused" if said == "running" and pid is not None and is_stopped(pid) else said


def _pid_here(pid: int, container_id: str) -> int | None:
    """Return the pid if it is in this machine's process table; an engine elsewhere reports its own."""
    return pid if pid and container_of(pid) == container_id else None
