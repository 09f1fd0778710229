"""Choice of a group's engine: the one that made it, the one asked for, or Docker where it answers.

A cluster is never chosen unasked. Only this module makes engines; the rooms below get theirs as an argument.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from stanlocal.errors import EngineUnavailable, SettingsError
from stanlocal.group.home import GroupHome
from stanlocal.machine.user_dirs import cluster_folder, group_folder, state_home
from stanlocal.util.notes import log_note

if TYPE_CHECKING:
    from stanlocal.engine.base import Engine
    from stanlocal.lifecycle.planner import Report
    from stanlocal.settings import Settings

SERVER_USER = "65532:65532"
"""The servers' uid and gid when the caller is root: those of `nonroot` in distroless images."""


def group_home(group: str) -> GroupHome:
    """Return the group's folder in the user's state folder."""
    return GroupHome(group_folder(group))


def choose_engine(asked: str, home: GroupHome | None = None, note: Report = log_note) -> Engine:
    """Return the engine for the group of that folder, or for a new group.

    `auto` is the engine that made the group; for a new one it is Docker where it answers, else local
    processes, which `note` reports. Raises `SettingsError` for another engine than the one that made the
    group, and `EngineUnavailable` when Docker does not answer and was asked for, or the group was made by it.
    """
    plan = home.load_plan() if home else None
    made_by = plan.engine if plan else None
    if plan is not None and asked not in ("auto", made_by):
        raise SettingsError(
            [
                f"engine '{asked}': the group '{plan.group}' was made with the engine '{made_by}' and stays "
                f"with it; leave '--engine' out, choose another '--group', or end this one with "
                f"'stanlocal --group {plan.group} down --purge'"
            ]
        )
    if "process" in (asked, made_by):
        return process_engine()
    try:
        return docker_engine()
    except EngineUnavailable as error:
        if "docker" in (asked, made_by) or error.chosen:
            raise
        note(f"the nodes are local processes, as Docker is unavailable: {error}")
        return process_engine()


def docker_engine() -> Engine:
    """Connect to Docker; raises `EngineUnavailable` when it does not answer."""
    from stanlocal.engine.docker.endpoint import find
    from stanlocal.engine.docker.engine import DockerEngine

    return DockerEngine(*find(os.environ, Path.home()))


def process_engine() -> Engine:
    """Return the engine of local processes."""
    from stanlocal.engine.process.engine import ProcessEngine

    return ProcessEngine(state_home())


def cluster_group(settings: Settings, *, consents: bool) -> tuple[Engine, GroupHome]:
    """Return the engine of the cluster that the settings name, and the folder of the group's state.

    The folder is not that of a local group of the same name. `consents`: whether the caller asks knowingly
    for faults of groups that stanlocal did not make. Raises as `kubernetes_engine` does.
    """
    engine, folder = kubernetes_engine(settings, consents=consents)
    return engine, GroupHome(folder / settings.group)


def home_of(settings: Settings) -> GroupHome:
    """Return the folder of the group that the settings name, here or on a cluster; no engine is asked.

    Raises as `kubernetes_engine` does.
    """
    if settings.engine != "kubernetes":
        return group_home(settings.group)
    return GroupHome(kubernetes_engine(settings)[1] / settings.group)


def kubernetes_engine(settings: Settings, *, consents: bool = False) -> tuple[Engine, Path]:
    """Return the engine of the cluster and namespace that the settings name; nothing is asked yet.

    With it comes the folder that has a folder for the state of each group there.

    Raises `EngineUnavailable` where the extra is not installed or there is no kubeconfig, `SettingsError` for
    a context that it does not have.
    """
    try:
        from stanlocal.engine.kubernetes.access import Target, find_access
        from stanlocal.engine.kubernetes.api import Api
        from stanlocal.engine.kubernetes.engine import KubernetesEngine
        from stanlocal.engine.kubernetes.fault_guard import FaultGuard
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("lightkube", "httpx2", "msgspec"):
            raise
        raise EngineUnavailable(
            f"the engine 'kubernetes' needs {error.name}; run: pip install 'stanlocal[kubernetes]'"
        ) from error
    from stanlocal.lifecycle.cluster_objects import ClusterObjects
    from stanlocal.lifecycle.deployed_plan import DeployedPlans

    target = Target(settings.kubeconfig, settings.context, settings.namespace)
    access = find_access(target, os.environ, Path.home())
    folder = cluster_folder(access.server, access.namespace)
    guard = FaultGuard(settings.kubernetes.get("allow_faults", ()), consents)
    reader = DeployedPlans(access.server, access.namespace, folder)
    return KubernetesEngine(Api(access), reader, ClusterObjects(settings.kubernetes), guard), folder


async def server_user(engine: Engine) -> str:
    """Return `uid:gid` for the servers: the caller's, so that the store's files are the caller's own.

    For root it is a user without any rights; under a rootless engine it is root, which is the caller there.
    """
    if os.getuid() == 0:
        return SERVER_USER
    if (await engine.info()).rootless:
        return "0:0"
    return f"{os.getuid()}:{os.getgid()}"
