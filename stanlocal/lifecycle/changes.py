"""Changes of an existing group that its users have to know of, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from stanlocal.model.plan import GroupPlan
from stanlocal.settings import Settings
from stanlocal.settings.layer import dotted, leaves
from stanlocal.settings.protection import lowered


def changes(settings: Settings, before: GroupPlan | None) -> Iterator[str]:
    """Yield what a preset gives to a group that had other values, and what protection the group loses."""
    if before is None:
        return
    now = {"nodes": settings.nodes, "streaming": settings.streaming, "nats": settings.nats}
    had, wanted = dict(leaves(before.decided())), dict(leaves(now))
    for key, value in wanted.items():
        name = dotted(key)
        if settings.sources.get(name) == f"preset {settings.preset}" and had.get(key) != value:
            yield f"preset {settings.preset}: {name} is {value} (it was {had.get(key, 'not set')})"
    if lost := list(lowered(before.decided(), {**now, "secure": settings.secure})):
        yield f"warning: {before.group} is less protected than before: {', '.join(lost)}"
