"""Small files that something else wrote: read whole, and refused where they are none.

A file may have a hole in it that takes no room on disk, so its length says nothing of what it may take in
memory.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LARGEST = 1 << 20
"""Bytes of the largest file that is read."""


def read_small(path: Path, largest: int = LARGEST) -> bytes:
    """Return what the file holds; raises `ValueError` when it is larger, `OSError` when it cannot be read."""
    with path.open("rb") as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise ValueError(f"it is larger than {largest} bytes")
    return content


def read_json(path: Path) -> Any:
    """Return the JSON document in the file; raises as `read_small` does, and `ValueError` for no document."""
    try:
        return json.loads(read_small(path))
    except RecursionError:
        raise ValueError("its values are nested too deeply") from None
