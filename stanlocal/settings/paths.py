"""The host files that settings name: certificates, keys, the archive script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stanlocal.settings.layer import Key, dotted
from stanlocal.settings.nats import NATS
from stanlocal.settings.schema import Kind, Table
from stanlocal.settings.streaming import STREAMING


def host_files(streaming: Mapping[str, Any], nats: Mapping[str, Any]) -> dict[str, str]:
    """Return absolute paths by the setting that names them.

    Each server must be able to read these files under the same path as on the host.
    """
    found = (*_paths(STREAMING, streaming, ("streaming",)), *_paths(NATS, nats, ("nats",)))
    return {dotted(key): path for key, path in found}


def _paths(table: Table, values: Mapping[str, Any], at: Key) -> Iterator[tuple[Key, str]]:
    for option in table.options:
        value = values.get(option.name)
        if value is None:
            continue
        key = (*at, option.name)
        if option.kind is Kind.PATH and isinstance(value, str):
            yield key, value
        elif option.kind is Kind.TABLE and option.table is not None and isinstance(value, Mapping):
            yield from _paths(option.table, value, key)
