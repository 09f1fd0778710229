"""The groups of a test run; loaded when a test first asks for one, and independent of pytest.

All calls block; they run on the event loop behind `stanlocal.sync`.
"""

from __future__ import annotations

import asyncio
import fcntl
import importlib
import logging
import os
import secrets
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stanlocal.api import FTGroup, attach, core_of, group_over
from stanlocal.errors import StanlocalError
from stanlocal.lifecycle import orphans
from stanlocal.lifecycle.opener import opener_for, this_process
from stanlocal.machine.user_dirs import cache_folder, group_folder, make_private
from stanlocal.model.states import GroupState
from stanlocal.sync.portal import PORTAL
from stanlocal.testing.group_report import group_report
from stanlocal.util.tasks import together

_LOG = logging.getLogger("stanlocal.pytest")
"""Logger of notes about groups, such as their ports; pytest shows them with a test that fails."""


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the command line; the same for all workers of a run."""

    engine: str | None = None
    image: str | None = None
    keep: bool = False
    """Leave the groups running at the end."""
    reuse: str | None = None
    """Prefix of the name of a group that is used again, and left running."""
    shared: str | None = None
    """The name of the one group for all workers."""
    bound_to: str | None = None
    """The process whose end ends the run; None: this one."""


Mark = tuple[Any, ...]
"""State of a group that changes with each action on it from outside its processes."""


class KeptGroup:
    """A group that is up, and is healed between the tests that use it."""

    def __init__(self, name: str, group: FTGroup, *, leave: bool) -> None:
        self.name = name
        self.group = group
        self.leave = leave
        self._mark: Mark = ()

    async def open(self) -> None:
        """Bring the group up; release the engine if that fails."""
        try:
            await self.group.up()
            self._mark = await self._look()
        except BaseException:
            await self.group.close()
            raise

    async def recover(self) -> None:
        """Make the group healthy again after a test that touched it; otherwise it takes a few milliseconds.

        A group that cannot be healed is made again, with an empty store.
        """
        if await self._look() == self._mark:
            return
        try:
            await self._heal()
        except StanlocalError:
            await self.group.down(timeout=0, purge=True)
            await self._heal()
        self._mark = await self._look()

    async def heal(self) -> None:
        """Undo the faults in force, if anything was done; the group ends soon, and need not be healthy."""
        if await self._look() != self._mark:
            await self.group.heal()

    async def _heal(self) -> None:
        await self.group.up()
        await self.group.wait_state(GroupState.HEALTHY)

    async def _look(self) -> Mark:
        core = await core_of(self.group)
        return (core.home.journal.size(), *await core.engine.instances(core.name))

    async def close(self) -> None:
        """Purge the group, unless it is to be left running."""
        try:
            if not self.leave:
                await self.group.down(timeout=0, purge=True)
        finally:
            await self.group.close()

    async def report(self, since: datetime) -> list[tuple[str, str]]:
        """Return titled texts for people: the group's status, and its events and log lines since then."""
        return await group_report(self.group, self.name, since)


@dataclass(slots=True)
class Session:
    """The groups of one process of a test run."""

    options: Options
    _groups: list[KeptGroup] = field(default_factory=list)
    _main: KeptGroup | None = None
    _failure: StanlocalError | None = None
    _reused: dict[str, int] = field(default_factory=dict)

    def main(self) -> FTGroup:
        """Return the session's own group, made on the first call; a failure is raised again by each call."""
        if self._failure is not None:
            raise self._failure
        if self._main is None:
            try:
                self._main = self._open(self._main_name(), {}, self._meanwhile)
            except StanlocalError as failure:
                self._failure = failure
                raise
        return self._main.group

    def _main_name(self) -> str:
        if self.options.shared is not None:
            return self.options.shared
        return self._reused_name() if self.options.reuse is not None else fresh_name()

    def _reused_name(self) -> str:
        """Return the first name that no other run holds; the kernel frees it when this process ends."""
        folder = make_private(cache_folder() / "pytest")
        index = 0
        while True:
            name = f"{self.options.reuse}-{index}"
            descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                index += 1
            else:
                self._reused[name] = descriptor
                return name

    def own(self, settings: Mapping[str, Any]) -> FTGroup:
        """Return another group, with settings of its own."""
        return self._open(fresh_name(), settings).group

    async def _meanwhile(self, begun: asyncio.Event) -> None:
        """Do other work while the first servers wait a second for the lock."""
        await begun.wait()
        await asyncio.to_thread(importlib.import_module, "stanlocal.sync")
        await orphans.remove(self.options.engine or "auto")

    def _open(
        self,
        name: str,
        settings: Mapping[str, Any],
        *meanwhile: Callable[[asyncio.Event], Coroutine[Any, Any, None]],
    ) -> KeptGroup:
        options = self.options
        lasts = options.keep or name in self._reused
        given = {"engine": options.engine, "image": options.image, **settings}
        begun = asyncio.Event()
        opener = opener_for({"group": name, **given})
        opener.report, opener.note = (lambda line: begun.set()), _LOG.info
        if not lasts:
            opener.bound_to = (lambda: options.bound_to) if options.bound_to else this_process
        group = group_over(opener)
        kept = KeptGroup(name, group, leave=lasts or name == options.shared)
        self._groups.append(kept)  # first: Ctrl-C may come when it is up, and what is done beside it is not
        try:
            PORTAL.run(together(kept.open(), *(work(begun) for work in meanwhile)))
        except StanlocalError:
            self._groups.remove(kept)
            raise
        return kept

    def close_group(self, group: FTGroup) -> None:
        """End one of the groups made by `own`."""
        kept = next(each for each in self._groups if each.group is group)
        self._groups.remove(kept)
        PORTAL.run(kept.close())

    def recover(self) -> None:
        """Make the session's group healthy again, if there is one."""
        if self._main is not None:
            PORTAL.run(self._main.recover())

    def heal(self) -> dict[str, StanlocalError]:
        """Undo what a test did to the groups, so that what it opened can be closed; return what failed."""
        return _each(self._groups, lambda kept: kept.recover() if kept is self._main else kept.heal())

    def report(self, since: datetime) -> list[tuple[str, str]]:
        """Return titled texts about each group, for the time since then."""
        return [part for kept in self._groups for part in PORTAL.run(kept.report(since))]

    @property
    def left(self) -> list[str]:
        """Names of the groups that `close` leaves running."""
        return [kept.name for kept in self._groups if kept.leave]

    def close(self) -> dict[str, StanlocalError]:
        """End all groups, the newest first; return why, by their names, some could not be ended."""
        failed = _each(reversed(self._groups), KeptGroup.close)
        self._groups.clear()
        self._main = None
        while self._reused:
            os.close(self._reused.popitem()[1])
        return failed


def _each(
    groups: Iterable[KeptGroup], act: Callable[[KeptGroup], Coroutine[Any, Any, None]]
) -> dict[str, StanlocalError]:
    """Act on each group, whatever becomes of the others; return the errors by the groups' names."""
    failed: dict[str, StanlocalError] = {}
    for kept in groups:
        try:
            PORTAL.run(act(kept))
        except StanlocalError as error:
            failed[kept.name] = error
    return failed


def fresh_name() -> str:
    """Return a group name that no one else has."""
    return f"pytest-{secrets.token_hex(4)}"


def remove_orphans(engine: str | None) -> None:
    """Remove groups that earlier runs, or killed workers of this one, have left."""
    PORTAL.run(orphans.remove(engine or "auto"))


def end_shared(name: str) -> None:
    """Take down the group that all workers of a run have used, if any did."""
    if group_folder(name).exists():
        PORTAL.run(_end(name))


async def _end(name: str) -> None:
    group = attach(name)
    try:
        await group.down(timeout=0, purge=True)
    finally:
        await group.close()
