"""The tree of a configuration: tables of entries, each with its place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class ConfError(ValueError):
    """A text that the server would refuse, or misread; the message is one line without the place."""

    def __init__(self, place: Place, reason: str) -> None:
        super().__init__(reason)
        self.place = place
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Missing:
    """An undefined variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A value under its name; `place` is the name's."""

    value: Value
    place: Place


Table: TypeAlias = dict[str, Entry]
Value: TypeAlias = "str | int | float | bool | datetime | Missing | list[Value] | Table"


def plain(value: Value) -> Any:
    """Return the value without places; a missing variable becomes `$NAME`."""
    if isinstance(value, dict):
        return {name: plain(entry.value) for name, entry in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return f"${value.name}" if isinstance(value, Missing) else value
