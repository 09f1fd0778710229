"""Changes of an existing group that its users should know about, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stanlocal.settings import Settings
from stanlocal.settings.layer import Key, dotted, leaves
from stanlocal.settings.protection import lowered

_LOGINS: tuple[Key, ...] = (("nats", "authorization"), ("nats", "accounts"))


def changes(settings: Settings, had: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield what a preset gives to a group that had other values, and how its protection changes.

    `had` is what the group had decided, secrets included; None for a new group.
    """
    if had is None:
        return
    now = {"nodes": settings.nodes, "streaming": settings.streaming, "nats": settings.nats}
    before, after = dict(leaves(had)), dict(leaves(now))
    for key, value in after.items():
        name = dotted(key)
        if settings.sources.get(name) == f"preset {settings.preset}" and before.get(key) != value:
            yield f"preset {settings.preset}: {name} is {value} (it was {before.get(key, 'not set')})"
    others = {key for key in after if key[:2] in _LOGINS and before.get(key) != after[key]}
    if any(key[:2] in _LOGINS for key in before) and others:
        named = (dotted(key) if key[:2] == _LOGINS[0] else dotted(_LOGINS[1]) for key in others)
        sources = sorted({settings.sources[name] for name in named})
        yield f"the logins of {settings.group} are no longer those that it had: {', '.join(sources)}"
    if lost := list(lowered(had, {**now, "secure": settings.secure})):
        yield f"warning: {settings.group} is less protected than before: {', '.join(lost)}"
