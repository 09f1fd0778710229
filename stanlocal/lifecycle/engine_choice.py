"""Choice of a group's engine: the one that made it, the one asked for, or Docker where it answers.

Only this module makes engines; the rooms below receive theirs as an argument.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from stanlocal.errors import EngineUnavailable, SettingsError
from stanlocal.group.home import GroupHome
from stanlocal.machine.user_dirs import group_folder, state_home
from stanlocal.util.notes import log_note

if TYPE_CHECKING:
    from stanlocal.engine.base import Engine
    from stanlocal.lifecycle.planner import Report

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


async def server_user(engine: Engine) -> str:
    """Return `uid:gid` for the servers: the caller's, so that the store's files are the caller's own.

    For root it is a user without any rights; under a rootless engine it is root, which is the caller there.
    """
    if os.getuid() == 0:
        return SERVER_USER
    if (await engine.info()).rootless:
        return "0:0"
    return f"{os.getuid()}:{os.getgid()}"
