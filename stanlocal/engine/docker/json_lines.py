"""JSON objects that an engine streams, one a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

_LONGEST_REPORT = 1 << 20
"""Most bytes of one report of the engine; it has a few hundred."""


def json_objects(chunks: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the JSON object of each line; raises `ValueError` for any other line or an endless one."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LONGEST_REPORT:
            raise ValueError(f"a report of the engine is longer than {_LONGEST_REPORT} bytes")
        yield from (_object(line) for line in lines if line.strip())
    if rest.strip():
        yield _object(rest)


def _object(line: bytes) -> dict[str, Any]:
    try:
        report = json.loads(line)
    except RecursionError:
        report = None
    if not isinstance(report, dict):
        raise ValueError(f"a report of the engine is not a JSON object: {line[:80]!r}")
    return report
