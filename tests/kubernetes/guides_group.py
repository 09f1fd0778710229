"""The group of the guide's manifest at a site, and its events as they happen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

from stanlocal.api import FTGroup
from stanlocal.history.timeline import Event
from stanlocal.model.states import GroupState
from tests.kubernetes.sites import FakeSite, Json, Site, documents
from tests.support.cli import ROOT


def seed(replicas: int = 3) -> list[Json]:
    """The guide's manifest, to the letter but for the number of its servers."""
    objects = documents((ROOT / "tests/seed/efs.yaml").read_text())
    for each in objects:
        if each["kind"] == "StatefulSet":
            each["spec"]["replicas"] = replicas
    return objects


@asynccontextmanager
async def opened(site: Site, name: str = "stan") -> AsyncIterator[FTGroup]:
    group = site.group(name)
    try:
        yield group
    finally:
        await group.close()


@asynccontextmanager
async def healthy(site: Site, replicas: int = 2) -> AsyncIterator[tuple[FTGroup, str]]:
    """The guide's group, up; yields it and its active node."""
    await site.deploy(seed(replicas))
    async with opened(site) as group:
        await group.wait_state(GroupState.HEALTHY, timeout=site.timeout)
        active = (await group.look()).status.active
        assert active is not None
        yield group, active


Awaited = Callable[[Callable[[Event], bool]], Awaitable[Event]]


@asynccontextmanager
async def followed(site: Site) -> AsyncIterator[Awaited]:
    """Follow the group's events; yields a function that waits for the next one of a kind."""
    seen: asyncio.Queue[Event] = asyncio.Queue()

    async def follow() -> None:
        async with opened(site) as group, aclosing(group.events()) as events:
            async for event in events:
                seen.put_nowait(event)

    async def awaited(wanted: Callable[[Event], bool]) -> Event:
        async with asyncio.timeout(site.timeout):
            while not wanted(event := await seen.get()):
                pass
            return event

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(follow())
        yield awaited
        task.cancel()


def became(state: str) -> Callable[[Event], bool]:
    """Whether an event says that the group is now in a state."""
    return lambda event: event.type == "group-state" and event.detail["to"] == state


def without(site: FakeSite, resource: str) -> None:
    """Go on with the documented role, but for one kind of objects."""
    site.only_looking()
    assert site.cluster.rules is not None
    site.cluster.rules = [
        {**rule, "resources": [each for each in rule["resources"] if each != resource]}
        for rule in site.cluster.rules
    ]


def failover(event: Event) -> bool:
    return event.type == "failover"
