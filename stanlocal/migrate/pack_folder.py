"""A pack's folder: the names of its files, and what they say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stanlocal.errors import StoreRefused
from stanlocal.migrate.naming import cleaned
from stanlocal.migrate.pack_source import PackSource
from stanlocal.util.printable import printable
from stanlocal.util.small_files import read_small

MANIFEST = "stanlocal-pack.json"
META = "backup.json"
"""Configuration and state of a stream, as natscli reads them."""
DATA = "stream.arc.s2"
PACK_ID = "stan_pack"
"""Key of a stream's metadata that holds the pack's random id."""

FORMAT = 1
_MANIFEST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class PackedStream:
    """One stream of a pack."""

    name: str
    config: Mapping[str, Any]
    state: Mapping[str, Any]
    data: Path
    largest: int
    """Bytes of the largest message."""
    consumers: Mapping[str, Mapping[str, int]]
    """For each consumer the sequences `delivered` and `ack_floor`."""


@dataclass(frozen=True, slots=True)
class PackFolder:
    """A pack that was read."""

    path: Path
    streams: tuple[PackedStream, ...]
    source: PackSource | None = None
    """The store that it was made from."""


def read_pack(path: Path) -> PackFolder:
    """Read the descriptions in a pack; raises `StoreRefused` for a folder that is none."""
    manifest = _document(path / MANIFEST, path)
    listed = manifest.get("streams")
    if manifest.get("stanlocal_pack") != FORMAT or not isinstance(listed, list):
        raise _no_pack(path, f"{MANIFEST} is of another version of stanlocal")
    source = PackSource.read(manifest.get("source"))
    return PackFolder(path, tuple(_stream(path, each) for each in listed), source)


def _stream(path: Path, listed: Any) -> PackedStream:
    if not isinstance(listed, dict):
        raise _no_pack(path, f"{MANIFEST} names a stream that cannot be")
    name, largest, consumers = (listed.get(key) for key in ("stream", "largest", "consumers"))
    if (
        not isinstance(name, str)
        or not name
        or cleaned(name) != name
        or not isinstance(largest, int)
        or not isinstance(consumers, dict)
        or not all(_is_position(each) for each in consumers.values())
    ):
        raise _no_pack(path, f"{MANIFEST} names a stream that cannot be")
    meta = _document(path / name / META, path)
    config, state = meta.get("config"), meta.get("state")
    numbers = ("messages", "first_seq", "last_seq", "consumer_count")
    if (
        not isinstance(config, dict)
        or not isinstance(state, dict)
        or config.get("name") != name
        or not all(isinstance(state.get(number), int) for number in numbers)
    ):
        raise _no_pack(path, f"{name}/{META} does not describe the stream {name}")
    data = path / name / DATA
    if not data.is_file():
        raise _no_pack(path, f"{name}/{DATA} is missing")
    return PackedStream(name, config, state, data, largest, consumers)


def _is_position(found: Any) -> bool:
    return isinstance(found, dict) and all(
        isinstance(found.get(key), int) for key in ("delivered", "ack_floor")
    )


def _document(file: Path, path: Path) -> dict[str, Any]:
    try:
        document = json.loads(read_small(file, _MANIFEST_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise _no_pack(path, f"{file.name} cannot be read: {reason}") from error
    if not isinstance(document, dict):
        raise _no_pack(path, f"{file.name} is no JSON object")
    return document


def _no_pack(path: Path, reason: str) -> StoreRefused:
    return StoreRefused(
        f"{path} is no pack ({printable(str(reason))}); make one with 'stanlocal migrate pack'"
    )
