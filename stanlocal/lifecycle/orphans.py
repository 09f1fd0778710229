"""Groups made for one process, such as a test run, and left behind by its death.

Such a group carries in its plan, and so in the labels of its containers, the pid and start of its process.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from stanlocal.errors import GroupNotFound
from stanlocal.lifecycle import down
from stanlocal.lifecycle.engine_choice import open_groups
from stanlocal.machine.process_identity import birth_of

_NAMESPACE = Path("/proc/self/ns/pid")


def this_process() -> str:
    """What tells this process from every other: its pid, where that pid counts, and its start."""
    return f"{os.getpid()} {_namespace()} {birth_of(os.getpid())}"


def has_ended(process: str) -> bool:
    """Whether that process is gone; False where it cannot be told, as in another container."""
    pid, namespace, birth = process.split(" ", 2)
    return namespace == _namespace() and birth_of(int(pid)) != birth


def _namespace() -> str:
    """A container counts its processes by itself."""
    try:
        return str(_NAMESPACE.readlink())
    except OSError:  # a system without
        return "-"


async def remove(engine: str = "auto") -> list[str]:
    """Takes down and purges the caller's groups whose process is gone; returns their names.

    Two at once do it one after the other. Raises `EngineUnavailable` when that engine is not to be had.
    """
    removed = []
    async with open_groups(engine, note=lambda line: None) as groups:
        for group in groups:
            with suppress(GroupNotFound):  # another run was quicker
                plan, _ = await group.find()
                if plan.bound_to is not None and has_ended(plan.bound_to):
                    await down.down(group, timeout=0, purge_store=True)
                    removed.append(group.name)
    return removed
