"""The examination of a group: its settings, then the place where it runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from stanlocal.doctor.check import Check
from stanlocal.errors import SettingsError
from stanlocal.model.command_line import DEFAULT_GROUP, Command

if TYPE_CHECKING:
    from stanlocal.settings import Settings


async def examine(load: Callable[[], Settings], report: Callable[[str], None]) -> AsyncGenerator[Check]:
    """Yield the checks as they finish; a failed check skips those that depend on it."""
    try:
        settings = load()
    except SettingsError as error:
        for problem in error.problems:
            cure = "correct it; this shows all settings, and where each is from:"
            command = str(Command(DEFAULT_GROUP, ("config", "show")))
            yield Check("settings", False, problem, cure, (command,))
        return
    if settings.engine == "kubernetes":
        from stanlocal.doctor.cluster.examination import examine_cluster

        checks = examine_cluster(settings)
    else:
        from stanlocal.doctor.local import examine_local

        checks = examine_local(settings, report)
    async with aclosing(checks):
        async for check in checks:
            yield check
