"""The host files that settings name: certificates, keys, the archive script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stanlocal.settings.nats import NATS
from stanlocal.settings.schema import Kind, Table
from stanlocal.settings.streaming import STREAMING


def host_files(streaming: Mapping[str, Any], nats: Mapping[str, Any]) -> tuple[str, ...]:
    """Absolute paths that the servers must be able to read under the same name, sorted."""
    return tuple(sorted({*_paths(STREAMING, streaming), *_paths(NATS, nats)}))


def _paths(table: Table, values: Mapping[str, Any]) -> Iterator[str]:
    for option in table.options:
        value = values.get(option.name)
        if value is None:
            continue
        if option.kind is Kind.PATH:
            yield value
        elif option.kind is Kind.TABLE and option.table is not None:
            yield from _paths(option.table, value)
