"""The host files that settings name: certificates, keys, the archive script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stanlocal.settings.layer import Key, dotted
from stanlocal.settings.nats import NATS
from stanlocal.settings.schema import Kind, Option, Table
from stanlocal.settings.streaming import STREAMING


def copied_files(streaming: Mapping[str, Any], nats: Mapping[str, Any]) -> dict[str, str]:
    """Return those of `host_files` of which each node gets a copy: all that the server only reads."""
    found = (*_paths(STREAMING, streaming, ("streaming",)), *_paths(NATS, nats, ("nats",)))
    return {dotted(key): path for key, path, option in found if not option.executes}


def host_files(streaming: Mapping[str, Any], nats: Mapping[str, Any]) -> dict[str, str]:
    """Return absolute paths by the setting that names them."""
    found = (*_paths(STREAMING, streaming, ("streaming",)), *_paths(NATS, nats, ("nats",)))
    return {dotted(key): path for key, path, _ in found}


def _paths(table: Table, values: Mapping[str, Any], at: Key) -> Iterator[tuple[Key, str, Option]]:
    for option in table.options:
        value = values.get(option.name)
        if value is None:
            continue
        key = (*at, option.name)
        if option.kind is Kind.PATH and isinstance(value, str):
            yield key, value, option
        elif option.kind is Kind.TABLE and option.table is not None and isinstance(value, Mapping):
            yield from _paths(option.table, value, key)
