"""The definition of an option: names, kind, range, and restrictions on its use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property


class Kind(Enum):
    """Kinds of values; the value is the name used in messages and documents."""

    STRING = "a string"
    INTEGER = "a whole number"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    DURATION = "a duration"
    SIZE = "a size"
    CHOICE = "one of a few words"
    PATH = "a path"
    STRINGS = "a string or a list of strings"
    TABLE = "a table"
    TABLES = "a list of tables"
    MAP = "a table of tables"
    """A table whose keys are free names (channels, accounts), and whose values are tables of one shape."""
    STRUCTURE = "a value of the server's own shape"
    """A value that only the server checks: strings, numbers, booleans, lists and tables of them."""


@dataclass(frozen=True)
class Option:
    """A setting."""

    name: str
    kind: Kind
    doc: str
    default: str = ""
    """Default, as written in the documentation."""
    aliases: tuple[str, ...] = ()
    minimum: int | None = None
    """Smallest value, inclusive like `maximum`: bytes of a size, nanoseconds of a duration."""
    maximum: int | None = None
    also: range = range(0)
    """Values outside that range which the server accepts: 0 as its default, less than 0 as unlimited."""
    choices: tuple[str, ...] = ()
    secret: bool = False
    """True if the value is never shown, and never taken from the command line."""
    executes: bool = False
    """True if the option runs something: a file that was merely found must not set it."""
    reaches: str = ""
    """Other effect that a file which was merely found must not have: `choose a folder`."""
    refused: str = ""
    """Reason why the option cannot be set."""
    table: Table | None = None
    """Shape of a `TABLE`, of each item of `TABLES`, of each value of a `MAP`."""
    check: Callable[[str], str | None] | None = None
    """Check of a string, or of a key of a `MAP`; it returns the problem, or None."""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)


@dataclass(frozen=True)
class Table:
    """A set of options that are written together; names are case-insensitive, as the server's are."""

    options: tuple[Option, ...]
    _by_name: dict[str, Option] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name = {name: option for option in self.options for name in option.names}
        object.__setattr__(self, "_by_name", by_name)

    def find(self, name: str) -> Option | None:
        return self._by_name.get(name.lower())

    def at(self, key: tuple[str, ...]) -> Option | None:
        """Return the option at a path, in which any name stands for a key of a `MAP`."""
        name, *rest = key
        option = self.find(name)
        if option is not None and option.kind is Kind.MAP and rest:
            rest = rest[1:]
        if option is None or not rest:
            return option
        return None if option.table is None else option.table.at(tuple(rest))

    def canonical(self, key: tuple[str, ...]) -> tuple[str, ...] | None:
        """Return the path of a setting under its canonical names; None if there is no such setting.

        A list, or a value of the server's own shape, is one setting as a whole.
        """
        name, *rest = key
        option = self.find(name)
        if option is None or option.refused:
            return None
        if not rest:
            return (option.name,)
        if option.table is None or option.kind not in (Kind.TABLE, Kind.MAP):
            return None
        free = rest[:1] if option.kind is Kind.MAP else []
        below = option.table.canonical(tuple(rest[len(free) :])) if len(rest) > len(free) else ()
        return None if below is None else (option.name, *free, *below)

    @cached_property
    def has_secrets(self) -> bool:
        """Whether an option of the table, or of a table in it, is a secret."""
        below = (option.table for option in self.options if option.table is not None)
        return any(option.secret for option in self.options) or any(table.has_secrets for table in below)

    @cached_property
    def _settable(self) -> list[str]:
        return [name for option in self.options if not option.refused for name in option.names]

    def nearest(self, name: str) -> str | None:
        """Return the name that was probably meant, in this table or below it (`a.b`)."""
        from difflib import get_close_matches

        close = get_close_matches(name.lower(), self._settable, n=1)
        if close:
            return close[0]
        for path, option in self.walk():
            if name.lower() in option.names and not option.refused:
                return ".".join(path)
        return None

    def walk(self, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Option]]:
        """Yield every option, those of fixed tables included, with its canonical path."""
        for option in self.options:
            path = (*prefix, option.name)
            yield path, option
            if option.kind is Kind.TABLE and option.table is not None:
                yield from option.table.walk(path)


__all__ = ["Kind", "Option", "Table"]
