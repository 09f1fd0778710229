"""What states mean and what to do next, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.content import Content

STYLES = {
    "active": "bold $success",
    "standby": "$primary",
    "recovering": "$warning",
    "starting": "$warning",
    "created": "$text-muted",
    "stopped": "$text-muted",
    "failed": "bold $error",
    "gone": "bold $error",
    "healthy": "bold $success",
    "degraded": "bold $warning",
    "failover": "bold $warning",
    "blocked": "bold $error",
    "split-brain": "bold reverse $error",
    "down": "$text-muted",
}
"""Of states, beside their words: nothing is told by colour alone."""


def group_line(document: Mapping[str, Any] | None, engine_lost: str | None) -> Content:
    """The group's name and state, what it means, and what to do next."""
    if engine_lost is not None:
        return Content.assemble(("engine lost", "bold $error"), f": {engine_lost}")
    if document is None:
        return Content("looking for the group ...")
    return Content.assemble((document["group"], "bold"), "  ", (document["state"], STYLES[document["state"]]))
