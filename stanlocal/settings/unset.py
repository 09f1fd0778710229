"""Settings that a group loses: `unset = ["nats.authorization"]`.

What an existing group has stays unless something else is set, so taking a value away needs a name. A layer
takes out what it unsets from itself and from every later layer but the defaults.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from stanlocal.settings.coerce import shown
from stanlocal.settings.layer import Key, Layer, dotted, parsed_key
from stanlocal.settings.tool_options import SETTINGS

_UNSET: Key = ("unset",)


def take_out_unset(read: Sequence[tuple[Layer, dict[Key, Any]]], problems: list[str]) -> dict[Key, str]:
    """Take what layers unset out of their values; return the keys, each with its origin.

    `problems` gets a line for each that cannot be taken out.
    """
    taken: dict[Key, str] = {}
    for position, (layer, values) in enumerate(read):
        keys = set(_keys(layer, values.pop(_UNSET, ()), problems))
        for key in [key for key in values if within(key, keys)]:
            problems.append(f"{layer.place(_UNSET)} names {dotted(key)}, which is set beside it; remove one")
        for lower, theirs in read[position + 1 :]:
            for key in [key for key in theirs if lower.origin != "default" and within(key, keys)]:
                del theirs[key]
        taken |= dict.fromkeys(sorted(keys), layer.source(_UNSET))
    return taken


def within(key: Key, tables: Collection[Key]) -> bool:
    """Return whether the key is one of these, or below one."""
    return any(key[:length] in tables for length in range(1, len(key) + 1))


def _keys(layer: Layer, names: Sequence[str], problems: list[str]) -> Iterator[Key]:
    for name in names:
        key = parsed_key(name)
        known = None if key is None else SETTINGS.canonical(key)
        if known is not None and known != _UNSET:
            yield known
            continue
        meant = "" if key is None else _meant(key)
        problems.append(f"{layer.place(_UNSET)} names {shown(name)}, which is not a setting{meant}")


def _meant(key: Key) -> str:
    *above, name = key
    option = SETTINGS.at(tuple(above)) if above else None
    table = SETTINGS if option is None or option.table is None else option.table
    near = table.nearest(name)
    return "" if near is None else f"; did you mean {dotted((*above, *near.split('.')))}?"
