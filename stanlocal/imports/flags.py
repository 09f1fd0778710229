"""The server's command line as configuration: flags count more than the files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from stanlocal.imports.import_result import Found, shortened
from stanlocal.imports.server_flags import ENDS, FLAGS, LATE, FlagKind
from stanlocal.natsconf import ConfError, Entry, Missing, Place, Table, Value, parse
from stanlocal.settings.coerce import shown
from stanlocal.settings.tool_options import SETTINGS
from stanlocal.settings.values import parse_duration
from stanlocal.util.integers import INT64_MAX

STREAMING_FILE = frozenset({"sc", "stan_config"})
NATS_FILE = frozenset({"c", "config"})
CONFIG_FLAGS = STREAMING_FILE | NATS_FILE

_RAFT = (
    "this is a Raft cluster, where each node has its own store; stanlocal runs FT groups over one store, for "
    "which -ft_group stands instead"
)
_TRUTH = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}
"""Spellings that Go's flag package takes for a switch, and no others."""
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F_]+)|0[bB](?P<bin>[01_]+)|0[oO]?(?P<oct>[0-7_]+)|(?P<dec>0|[1-9][0-9_]*))"
)
_LONGEST = 100
"""Number of characters of the longest number, size or duration that is parsed."""


class Word(NamedTuple):
    """A word of a command line."""

    text: str
    place: Place
    missing: str = ""
    """Variable or command in it whose value is unknown."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag of the command line, without its dashes."""

    name: str
    value: str | None
    place: Place
    missing: str = ""


def split(arguments: Iterable[tuple[str, Place] | Word], found: Found) -> list[Flag]:
    """Split the arguments as the server's flag parser does: `-name value`, `--name=value`, `-switch`.

    Words before the first flag are the command itself. Everything that the server would refuse is noted as a
    problem.
    """
    words = [Word(*each) for each in arguments]
    start = next((at for at, word in enumerate(words) if word.text.startswith("-")), len(words))
    return list(_split(iter(words[start:]), found))


def _split(words: Iterator[Word], found: Found) -> Iterator[Flag]:
    before: Flag | None = None
    for word in words:
        if word.missing and not word.text.startswith("-"):
            found.left_out(word.place, f"${word.missing}", "its value is unknown, and taken to be empty")
            continue
        if not word.text.startswith("-") or word.text in ("-", "--"):
            stray = next(words, None) if word.text == "--" else word
            if stray is not None:
                _stray(stray, before, found)
            return
        name, equals, value = word.text.removeprefix("-").removeprefix("-").partition("=")
        declared = FLAGS.get(name)
        if declared is None:
            known = "no flag" if name and not name.startswith("-") else "no such spelling of a flag:"
            found.problem(
                word.place, f"the server knows {known} {shown(shortened(word.text))}: it would not start"
            )
            return
        if equals or declared.kind is FlagKind.SWITCH:
            before = Flag(name, value if equals else None, word.place, word.missing if equals else "")
        elif (following := next(words, None)) is None:
            found.problem(word.place, f"argument -{name} has no value: the server would not start")
            return
        else:
            before = Flag(name, following.text, following.place, following.missing)
        if name in ENDS:
            found.problem(word.place, f"argument -{name}: {declared.why}")
        yield before


def _stray(word: Word, before: Flag | None, found: Found) -> None:
    why = "the server would not start with a word that is no flag"
    if before is not None and before.value is None and word.text.lower() in ("true", "false"):
        why += f"; a switch takes its value as -{before.name}={word.text}"
    found.problem(word.place, f"argument {shown(shortened(word.text))}: {why}")


def lay_over(conf: Table, flags: Sequence[Flag], found: Found) -> Table:
    """Return `conf` with the flags' values; flags that are not settings are noted as left out."""
    overlay = _Overlay(conf)
    for flag, value in _effective(flags, found):
        declared = FLAGS[flag.name]
        entry = Entry(value, flag.place)
        if flag.name == "clustered":
            if value is True:
                found.problem(flag.place, _RAFT)
        elif declared.why:
            found.left_out(flag.place, f"argument -{flag.name}", declared.why)
        elif flag.name == "encryption_key":  # it turns encryption on, but what a file says counts more
            overlay.set(("streaming", "encryption_key"), entry, if_missing=True)
            overlay.set(("streaming", "encrypt"), replace(entry, value=True), if_missing=True)
        else:
            for key in declared.keys:
                overlay.set(key, entry)
    return overlay.conf


def _effective(flags: Sequence[Flag], found: Found) -> Iterator[tuple[Flag, Value]]:
    """Yield the flags that count, with their values: for each option the last, except for `LATE` ones."""
    last: dict[tuple[tuple[str, ...], ...] | str, tuple[Flag, Value]] = {}
    for flag in flags:
        declared = FLAGS[flag.name]
        value = _value(flag, declared.kind, found)
        if value is not None and flag.name not in CONFIG_FLAGS:
            name = declared.keys or flag.name
            last.pop(name, None)
            last[name] = (flag, value)
    late = [each for name in LATE for each in last.values() if each[0].name == name]
    return iter([*(each for each in last.values() if each[0].name not in LATE), *late])


def _value(flag: Flag, kind: FlagKind, found: Found) -> Value | None:
    """Return the flag's value; None after a problem, which is noted."""
    if flag.missing:
        return Missing(flag.missing)
    text = "true" if flag.value is None else flag.value
    try:
        return _PARSE[kind](text)
    except ValueError as reason:
        found.problem(flag.place, f"argument -{flag.name} {reason}: the server would not start")
        return None


def _switch(text: str) -> bool:
    if text not in _TRUTH:
        raise ValueError(f"must be true or false, not {shown(text)}")
    return _TRUTH[text]


def _integer(text: str) -> int:
    match = _INTEGER.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise ValueError(f"must be a whole number, not {shown(text)}")
    for base, name in ((16, "hex"), (2, "bin"), (8, "oct"), (10, "dec")):
        digits = match[name]
        if digits is None:
            continue
        prefixed = base != 10 and not (base == 8 and text.lstrip("+-")[1:2] not in "oO")
        if digits.endswith("_") or "__" in digits or (digits.startswith("_") and not (prefixed or base == 8)):
            break
        number = int(f"{match['sign']}{digits.lstrip('_')}", base)
        if -INT64_MAX - 1 <= number <= INT64_MAX:
            return number
    raise ValueError(f"must be a whole number, not {shown(text)}")


def _size(text: str) -> int:
    """Parse a size as the server does, which hands it to the parser of its configuration."""
    try:
        size = parse(f"bytes: {text}")["bytes"].value if len(text) <= _LONGEST else None
    except (ConfError, KeyError):
        size = None
    if type(size) is not int:
        raise ValueError(f"must be a size, not {shown(text)}")
    return size


def _duration(text: str) -> str:
    try:
        if text != text.strip():
            raise ValueError("has blanks around it")
        parse_duration(text)
    except ValueError as reason:
        raise ValueError(f"is {shown(text)}, which {reason}") from None
    return text


_PARSE: Mapping[FlagKind, Callable[[str], Value]] = {
    FlagKind.SWITCH: _switch,
    FlagKind.INTEGER: _integer,
    FlagKind.SIZE: _size,
    FlagKind.DURATION: _duration,
    FlagKind.STRING: str,
}


class _Overlay:
    """A configuration in which options are set, under whichever of their names it uses.

    NATS's options are at the top, and so are the streaming server's in a file without a section for them.
    """

    def __init__(self, conf: Table) -> None:
        self.conf = dict(conf)
        self._no_section = bool(conf) and not any(name.lower() == "streaming" for name in conf)
        self._tables: dict[tuple[str, ...], tuple[Table, dict[str, list[str]]]] = {}
        """Tables that were changed, and the names that each uses for its options."""

    def set(self, key: tuple[str, ...], entry: Entry, *, if_missing: bool = False) -> None:
        """Set an option; `if_missing` leaves one that the configuration has."""
        if key == ("nats", "cluster", "routes") and isinstance(entry.value, str):
            routes: list[Value] = [route.strip() for route in entry.value.split(",") if route.strip()]
            entry = replace(entry, value=routes)
        table, names = self._table(key[:-1], entry)
        used = names.get(key[-1], [])
        if used and if_missing:
            return
        for name in used:
            table.pop(name, None)
        table[key[-1]] = entry
        names[key[-1]] = [key[-1]]

    def _table(self, at: tuple[str, ...], entry: Entry) -> tuple[Table, dict[str, list[str]]]:
        if at not in self._tables:
            if len(at) == 1 and (at[0] == "nats" or self._no_section):
                table = self.conf
            else:
                parent, names = (
                    self._table(at[:-1], entry) if len(at) > 1 else (self.conf, _names((), self.conf))
                )
                name = names.get(at[-1], [at[-1]])[0]
                old = parent.get(name, Entry({}, entry.place))
                table = dict(old.value) if isinstance(old.value, dict) else {}
                parent[name] = Entry(table, old.place)
                names[at[-1]] = [name]
            self._tables[at] = (table, _names(at, table))
        return self._tables[at]


def _names(at: tuple[str, ...], table: Table) -> dict[str, list[str]]:
    """Return the names in the table by the option that each stands for."""
    names: dict[str, list[str]] = {}
    for name in table:
        option = SETTINGS.at((*at, name))
        names.setdefault(name.lower() if option is None else option.name, []).append(name)
    return names
