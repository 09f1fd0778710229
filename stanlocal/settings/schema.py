"""What an option is: its names, its kind, its range, and what must be known before it is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property


class Kind(Enum):
    """What values an option takes; the value is the name used in messages and documents."""

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
    """Its keys are free names (channels, accounts), its values tables of one shape."""
    STRUCTURE = "a value of the server's own shape"
    """Checked by the server only: strings, numbers, booleans, lists and tables of them."""


@dataclass(frozen=True)
class Option:
    """One setting."""

    name: str
    kind: Kind
    doc: str
    default: str = ""
    """What holds when nobody sets it, as documentation says it."""
    aliases: tuple[str, ...] = ()
    minimum: int | None = None
    """In bytes for a size, in nanoseconds for a duration; inclusive, like `maximum`."""
    maximum: int | None = None
    choices: tuple[str, ...] = ()
    secret: bool = False
    """Never shown, and never taken from the command line."""
    executes: bool = False
    """Makes something run, so a file that was merely found may not set it."""
    reaches: str = ""
    """What else the option would do that a file which was merely found may not ask for: `choose a folder`."""
    refused: str = ""
    """Why this tool does not let it be set."""
    table: Table | None = None
    """The shape of a `TABLE`, of each item of `TABLES`, of each value of a `MAP`."""
    check: Callable[[str], str | None] | None = None
    """What else is wrong with a string, or with a key of a `MAP`; None when nothing is."""

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
        """The option that a whole path leads to; free names of a `MAP` are stepped over."""
        name, *rest = key
        option = self.find(name)
        if option is not None and option.kind is Kind.MAP and rest:
            rest = rest[1:]
        if option is None or not rest:
            return option
        return None if option.table is None else option.table.at(tuple(rest))

    @cached_property
    def _settable(self) -> list[str]:
        return [name for option in self.options if not option.refused for name in option.names]

    def nearest(self, name: str) -> str | None:
        """The name that was probably meant, in this table or in one below it; `a.b` when below."""
        from difflib import get_close_matches

        close = get_close_matches(name.lower(), self._settable, n=1)
        if close:
            return close[0]
        for path, option in self.walk():
            if name.lower() in option.names and not option.refused:
                return ".".join(path)
        return None

    def walk(self, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Option]]:
        """Every option, the fixed tables' own included, with its canonical path."""
        for option in self.options:
            path = (*prefix, option.name)
            yield path, option
            if option.kind is Kind.TABLE and option.table is not None:
                yield from option.table.walk(path)


__all__ = ["Kind", "Option", "Table"]
