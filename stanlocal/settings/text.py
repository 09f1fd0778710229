"""Reading of users' text files: bounded, with every error reported as a problem of settings."""

from __future__ import annotations

import sys
from pathlib import Path

from stanlocal.errors import SettingsError

LARGEST = 1 << 20
"""Bytes of the largest file that is read; no real configuration is larger."""


def read_text(path: Path, largest: int = LARGEST) -> str:
    """Return the text of a file.

    Raises `SettingsError` when it cannot be read, is larger than `largest`, or is not UTF-8, with the place.
    """
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        problem = f"{path}: cannot be read: {reason}; check the path, and that you may read it"
        raise SettingsError([problem]) from error
    return _decoded(content, str(path), largest)


def read_standard_input(largest: int = LARGEST) -> str:
    """Return the text on standard input, to its end; raises as `read_text` does."""
    return _decoded(sys.stdin.buffer.read(largest + 1), "standard input", largest)


def _decoded(content: bytes, name: str, largest: int) -> str:
    if len(content) > largest:
        raise SettingsError([f"{name}: is larger than {largest} bytes"])
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        raise SettingsError([f"{name}:{line}:{column}: is not valid UTF-8"]) from error
