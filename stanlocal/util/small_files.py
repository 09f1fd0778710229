"""Small files from outside: read whole, and refused if they are larger.

A size limit, because a sparse file can be far longer than the room that it takes on disk.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LARGEST = 1 << 20
"""Bytes of the largest file that is read."""


def read_small(path: Path, largest: int = LARGEST) -> bytes:
    """Return the file's content; raise `ValueError` if it has more than `largest` bytes, else `OSError`."""
    with path.open("rb") as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise ValueError(f"it is larger than {largest} bytes")
    return content


def read_json(path: Path) -> Any:
    """Return the JSON document in the file; raise as `read_small`, and `ValueError` if it is not JSON."""
    try:
        return json.loads(read_small(path))
    except RecursionError:
        raise ValueError("its values are nested too deeply") from None
