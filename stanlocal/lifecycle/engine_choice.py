"""Which engine runs a group, and which groups a user has on all engines.

Only this module chooses an engine; everything below it is handed one.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stanlocal.engine.base import Engine
from stanlocal.errors import EngineUnavailable, SettingsError, WrongEngine
from stanlocal.group.core import Group
from stanlocal.group.state_dir import GroupHome, known_groups
from stanlocal.lifecycle.planner import Report
from stanlocal.machine.user_dirs import group_folder, state_home

_LOG = logging.getLogger("stanlocal")

SERVER_USER = "65532:65532"
"""The servers' uid and gid when the caller is root: nobody in particular, as in distroless images."""


def group_home(group: str) -> GroupHome:
    """The group's folder in the user's state folder."""
    return GroupHome(group_folder(group))


def choose_engine(asked: str, home: GroupHome | None = None, note: Report = _LOG.warning) -> Engine:
    """The engine for the group of that folder, or for one that there is not yet.

    `auto` is the engine that made the group; for a new one Docker where it answers, else local processes,
    which `note` is told. Raises `SettingsError` for another engine than the one that made the group,
    `EngineUnavailable` when Docker does not answer and is asked for, by its name or that of an engine of its.
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
        return _processes()
    try:
        return _docker()
    except EngineUnavailable as error:
        if "docker" in (asked, made_by) or error.chosen:
            raise
        note(f"the nodes are local processes, as Docker is not to be had: {error}")
        return _processes()


def _docker() -> Engine:
    from stanlocal.engine.docker.endpoint import connect
    from stanlocal.engine.docker.engine import DockerEngine

    return DockerEngine(connect())


def _processes() -> Engine:
    from stanlocal.engine.process.engine import ProcessEngine

    return ProcessEngine(state_home())


async def server_user(engine: Engine) -> str:
    """`uid:gid` for the servers: the caller's, so that the store's files are the caller's own.

    For root a user without any rights; under a rootless engine root, which there is the caller.
    """
    if os.getuid() == 0:
        return SERVER_USER
    if (await engine.info()).rootless:
        return "0:0"
    return f"{os.getuid()}:{os.getgid()}"


def reserved_ports(group: str) -> frozenset[int]:
    """The host ports of the caller's other groups, which they keep until they are purged."""
    homes = (group_home(name) for name in known_groups(state_home()) if name != group)
    plans = (home.load_plan() for home in homes)
    nodes = (node for plan in plans if plan for node in plan.nodes)
    return frozenset(port for node in nodes for port in node.host_ports)


@asynccontextmanager
async def open_groups(asked: str, note: Report = _LOG.warning) -> AsyncIterator[list[Group]]:
    """The caller's groups by name, those that are down included, each on the engine that made it.

    With `auto` they are those of all engines; `note` is told of groups that cannot be seen because
    Docker does not answer, or because another engine or machine made them. Raises `EngineUnavailable` when
    Docker alone is asked for.
    """
    engines: dict[str, Engine] = {}
    missing: EngineUnavailable | None = None
    if asked != "process":
        try:
            engines["docker"] = _docker()
        except EngineUnavailable as error:
            if asked == "docker":
                raise
            missing = error
    if asked != "docker":
        engines["process"] = _processes()
    try:
        made_by = {name: engine for engine in engines for name in await engines[engine].groups()}
        for name in known_groups(state_home()):
            plan = group_home(name).load_plan()
            if plan is not None and plan.engine in engines:
                made_by.setdefault(name, plan.engine)
            elif plan is not None and missing is not None:
                note(f"{name} is left out: {missing}")
        groups = [Group(engines[engine], name, group_home(name)) for name, engine in sorted(made_by.items())]
        yield [group for group in groups if await _is_of_its_engine(group, note)]
    finally:
        for engine in engines.values():
            await engine.close()


async def _is_of_its_engine(group: Group, note: Report) -> bool:
    try:
        await group.check_origin(await group.engine.instances(group.name))
    except WrongEngine as error:
        note(f"{group.name} is left out: {error}")
        return False
    return True
