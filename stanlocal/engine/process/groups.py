"""Groups that run as local processes, found by their folders, without the engine that runs them."""

from __future__ import annotations

from pathlib import Path

FOLDER = "processes"
"""Folder, in a group's own, of the nodes that run as local processes."""


def groups_in(state_home: Path) -> list[str]:
    """Return the names of the groups with nodes, or with what remains of them, in the user's state folder."""
    if not state_home.is_dir():
        return []
    return sorted(group.name for group in state_home.iterdir() if (group / FOLDER).is_dir())
