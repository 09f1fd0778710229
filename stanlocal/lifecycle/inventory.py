"""Inventory of the caller's groups on all engines, and of the ports that they keep."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

from stanlocal.engine.base import Engine
from stanlocal.engine.process.groups import groups_in
from stanlocal.errors import EngineUnavailable, WrongEngine
from stanlocal.group.core import Group
from stanlocal.group.home import GroupHome, bound_groups, known_groups
from stanlocal.lifecycle import engine_choice
from stanlocal.lifecycle.engine_choice import group_home
from stanlocal.machine.user_dirs import state_home
from stanlocal.util.notes import log_note

if TYPE_CHECKING:
    from stanlocal.lifecycle.planner import Report
    from stanlocal.settings import Settings


def reserved_ports(group: str) -> frozenset[int]:
    """Return the host ports of the caller's other groups, which they keep until they are purged."""
    homes = (group_home(name) for name in known_groups(state_home()) if name != group)
    plans = (home.load_plan() for home in homes)
    nodes = (node for plan in plans if plan for node in plan.nodes)
    return frozenset(port for node in nodes for port in node.host_ports)


def open_listed_groups(
    settings: Settings, note: Report = log_note
) -> AbstractAsyncContextManager[list[Group]]:
    """Return the groups that the engine shows: as `open_groups`, or all of a cluster's namespace."""
    if settings.engine == "kubernetes":
        return _open_cluster_groups(settings)
    return open_groups(settings.engine, note)


@asynccontextmanager
async def _open_cluster_groups(settings: Settings) -> AsyncIterator[list[Group]]:
    """Yield the groups of a cluster's namespace by name: all that are there, and the caller's that are down.

    Raises as `engine_choice.kubernetes_engine` does.
    """
    engine, folder = engine_choice.kubernetes_engine(settings)
    try:
        names = {*await engine.groups(), *known_groups(folder)}
        yield [Group(engine, name, GroupHome(folder / name)) for name in sorted(names)]
    finally:
        await engine.close()


@asynccontextmanager
async def open_groups(asked: str, note: Report = log_note) -> AsyncIterator[list[Group]]:
    """Yield the caller's groups by name, including those that are down, each on the engine that made it.

    They include what a killed tool began to make for a process, which may have no plan: `find` then raises
    `GroupNotFound`.

    With `auto` they are those of all engines; `note` reports groups that are left out because Docker does not
    answer, or because another engine or machine made them. Raises `EngineUnavailable` when Docker alone is
    asked for and does not answer.
    """
    home = state_home()
    plans = {name: plan for name in known_groups(home) if (plan := group_home(name).load_plan()) is not None}
    begun = {name: saved[0] for name in bound_groups(home) if (saved := group_home(name).binding())}
    made_on = begun | {name: plan.engine for name, plan in plans.items()}
    has_process_groups = groups_in(home) or "process" in made_on.values()
    engines: dict[str, Engine] = {}
    missing: EngineUnavailable | None = None
    if asked != "process":
        try:
            engines["docker"] = engine_choice.docker_engine()
        except EngineUnavailable as error:
            if asked == "docker":
                raise
            missing = error
    if asked == "process" or (asked == "auto" and has_process_groups):
        engines["process"] = engine_choice.process_engine()
    try:
        made_by = {name: engine for engine in engines for name in await engines[engine].groups()}
        for name, made_with in made_on.items():
            if made_with in engines:
                made_by.setdefault(name, made_with)
            elif missing is not None:
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
