"""Placement of a group: the engine's offer, reconciled with the group's existing store. Pure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from stanlocal.errors import SettingsError
from stanlocal.model.placement import Placement
from stanlocal.model.plan import GroupPlan
from stanlocal.settings import Settings, host_files
from stanlocal.settings.paths import copied_files
from stanlocal.util.addresses import LOOPBACK


def settle(found: Placement, settings: Settings, before: GroupPlan | None, default_store: Path) -> Placement:
    """Return the placement that the engine offers, with the store kept where the group has it already.

    Raises `SettingsError` with each folder and file that the engine needs and cannot see.
    """
    if before is not None and before.in_volumes:
        found = replace(found, in_volumes=True)
    if not found.in_volumes:
        return found
    copied = copied_files(settings.streaming, settings.nats)
    problems = [
        f"{option} names {path}, which the engine does not see: it has other files than this machine; "
        "leave it out"
        for option, path in sorted(host_files(settings.streaming, settings.nats).items())
        if option not in copied
    ]
    if before is not None and not before.in_volumes:
        problems.append(
            f"the store of '{before.group}' is the folder {before.store_dir}, which the engine does not see "
            "from here; bring the group up from where it was made, or choose another with '--group'"
        )
    elif settings.store_dir is not None and Path(settings.store_dir) != default_store:
        problems.append(
            f"store_dir names {settings.store_dir}, which the engine does not see: it has other files than "
            "this machine; leave it out, and the store is a volume of the engine"
        )
    if problems:
        raise SettingsError(problems)
    return found


def placement_notes(placement: Placement, group: str) -> list[str]:
    """Describe an unusual placement for users, one line for each deviation."""
    lines = []
    if placement.host != LOOPBACK:
        where = f" (published on {placement.publish})" if placement.publish != placement.host else ""
        lines.append(f"clients reach the group at {placement.host}{where}, as a trial has shown")
    if placement.in_volumes:
        lines.append(
            f"the store is the volume {group}-store, as the engine does not see the folders of this machine"
        )
    return lines
