"""`up --attach`: stay with the group, show what happens, keep it alive, take it down at the end."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from stanlocal.cli.history import print_event
from stanlocal.errors import SettingsError, StanlocalError
from stanlocal.lifecycle.liveness import keep_alive
from stanlocal.machine.file_watch import changes, lock_file_losses
from stanlocal.settings.file import find_file
from stanlocal.store.layout import lock_file
from stanlocal.store.local import local_store
from stanlocal.util.tasks import together

if TYPE_CHECKING:
    from stanlocal.api import FTGroup
    from stanlocal.cli.context import Context
    from stanlocal.group.core import Group

_SETTLE_S = 0.2
"""Seconds to wait after a change: editors write a file in several steps."""


async def stay(context: Context, group: FTGroup) -> None:
    """Stay with the group until Ctrl-C, then take it down and keep its store."""
    from stanlocal.api import core_of

    core = await core_of(group)
    context.say("showing what happens; Ctrl-C takes the group down and keeps its store")
    try:
        await together(
            _show_events(context, core),
            keep_alive(core, context.say),
            _record_lock_losses(core),
            _offer_changes(context, group),
        )
    finally:
        try:
            context.say("taking the group down")
        finally:  # also when that cannot be written any more
            await group.down()


async def _show_events(context: Context, core: Group) -> None:
    started = datetime.now(UTC)
    async with aclosing(core.follow_events()) as events:
        async for event in events:
            if event.time >= started:
                print_event(context, event)


async def _record_lock_losses(core: Group) -> None:
    plan, _ = await core.find()
    if plan.store_volume is not None:
        return  # only the servers can reach the lock file
    async with aclosing(lock_file_losses(lock_file(local_store(plan)))) as losses:
        async for how in losses:
            core.home.journal.lock_file_lost(how)


async def _offer_changes(context: Context, group: FTGroup) -> None:
    """Check stanlocal.toml whenever it changes, and offer to apply it by a rolling restart."""
    file = context.config or find_file(Path.cwd())
    if file is None:
        return
    applied = group.settings()
    async with aclosing(changes(file.resolve())) as edits:
        async for _ in edits:
            await asyncio.sleep(_SETTLE_S)
            try:
                wanted = group.settings()
            except SettingsError as error:
                for problem in error.problems:
                    context.say(f"{file.name}: {problem}; the group goes on as it is")
                continue
            if wanted == applied or not await _agreed(context, file):
                continue
            try:
                await group.up()
            except StanlocalError as error:
                context.say(f"{file.name} could not be applied: {error}")
            else:
                applied = wanted
                context.say(f"{file.name} is applied")


async def _agreed(context: Context, file: Path) -> bool:
    if context.yes:
        return True
    if not sys.stdin.isatty():
        context.say(f"{file.name} has changed; 'stanlocal up' applies it, node after node")
        return False
    context.say(f"{file.name} has changed; apply it with a rolling restart? [y/N]")
    return (await _line_from_terminal()).strip().lower() in ("y", "yes")


async def _line_from_terminal() -> str:
    loop = asyncio.get_running_loop()
    typed: asyncio.Future[str] = loop.create_future()
    loop.add_reader(sys.stdin, lambda: None if typed.done() else typed.set_result(sys.stdin.readline()))
    try:
        return await typed
    finally:
        with suppress(ValueError):
            loop.remove_reader(sys.stdin)
