"""Orphans: groups made for one process, such as a test run, that has ended without removing them.

The plan of such a group, and so the labels of its containers, names the process and the machine that it is
bound to; before there is a plan, a file in the group's folder does. It is removed only when that process is
known to have ended.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass

from stanlocal.errors import EngineUnavailable, GroupNotFound, StanlocalError
from stanlocal.group.core import Group
from stanlocal.group.home import unused_folders
from stanlocal.lifecycle import down
from stanlocal.lifecycle.engine_choice import group_home
from stanlocal.lifecycle.inventory import open_groups
from stanlocal.machine.machine_identity import boot_id, machine_id, pid_namespace
from stanlocal.machine.process_identity import birth_of
from stanlocal.machine.user_dirs import state_home

_LOG = logging.getLogger("stanlocal")
_VERSION = "2"
_UNKNOWN = "-"


@dataclass(frozen=True, slots=True)
class BoundProcess:
    """Identity of one process of one boot of one machine, never of another with the same pid."""

    machine: str
    boot: str
    namespace: str
    pid: int
    birth: str

    @classmethod
    def parse(cls, text: str) -> BoundProcess | None:
        """Parse a name that `this_process` made, in this or an earlier version; None for any other text."""
        fields = text.split(" ")
        if len(fields) == 3:  # version 1, in which the birth began with the boot on Linux
            pid, namespace, birth = fields
            boot = birth.partition("/")[0] if "/" in birth else _UNKNOWN
            fields = [_VERSION, _UNKNOWN, boot, namespace, pid, birth]
        if len(fields) != 6 or fields[0] != _VERSION or not fields[4].isdecimal():
            return None
        return cls(fields[1], fields[2], fields[3], int(fields[4]), fields[5])


def this_process() -> str:
    """Name this process: its machine, boot, process table, pid and start."""
    pid = os.getpid()
    where = f"{machine_id() or _UNKNOWN} {boot_id() or _UNKNOWN} {pid_namespace()}"
    return f"{_VERSION} {where} {pid} {birth_of(pid)}"


def has_ended(process: str, *, made_here: bool = False) -> bool:
    """Return whether that process is known to have ended; False where that is unknown.

    It is unknown for processes of another machine or container. A process of an earlier boot of this machine
    has ended; as machine ids can be copied, that counts only with `made_here`: the group is in this machine's
    state folder.
    """
    bound = BoundProcess.parse(process)
    if bound is None or _UNKNOWN in (bound.boot, boot_id() or _UNKNOWN):
        return False
    if bound.boot == boot_id():
        return bound.namespace == pid_namespace() and birth_of(bound.pid) != bound.birth
    return made_here and bound.machine != _UNKNOWN and bound.machine == machine_id()


async def is_orphan(group: Group) -> bool:
    """Return whether the group was made, or begun, for a process that is known to have ended."""
    saved = group.home.load_plan()
    try:
        plan, _ = await group.find()
    except GroupNotFound:  # nothing is planned yet, or another process has removed it
        begun = group.home.binding()
        return begun is not None and has_ended(begun[1], made_here=True)
    if plan.bound_to is None:
        return False
    return has_ended(plan.bound_to, made_here=saved is not None and saved.bound_to == plan.bound_to)


async def remove(engine: str = "auto") -> list[str]:
    """Take down and purge the caller's orphans; return their names.

    Groups that must not be purged, or cannot be removed, are logged and stay. Concurrent calls wait for each
    other. Raises `EngineUnavailable` if `engine` is unavailable.
    """
    removed = []
    async with open_groups(engine, note=lambda line: None) as groups:
        for group in groups:
            try:
                if not await is_orphan(group):
                    continue
                done = await down.down(group, timeout=0, purge_store=True)
            except GroupNotFound:  # another process removed it first
                continue
            except EngineUnavailable:
                raise
            except StanlocalError as error:  # the others are removed nevertheless
                _LOG.warning("%s, left by a process that has ended, stays: %s", group.name, error)
                continue
            removed.append(group.name)
            for left in done.purged.failed if done.purged else ():
                _LOG.warning("%s, left by a process that has ended: not removed: %s", group.name, left)
    for name in unused_folders(state_home()):
        group_home(name).drop_unused()
    return removed
