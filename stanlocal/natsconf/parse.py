"""The parser: from text to tree."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from stanlocal.natsconf.budget import Budget
from stanlocal.natsconf.scalar import scalar
from stanlocal.natsconf.scan import END, Scanner
from stanlocal.natsconf.tree import ConfError, Entry, Missing, Place, Table, Value

_BLANKS = "\t "
_SPACE = "\t\n\v\f\r \x85\xa0"
_SEPARATORS = "=:"
_TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_BCRYPT = "2a$"
_LONGEST_SHOWN = 60

ReadInclude = Callable[[str], str]
"""Reader of a file, named relative to the main one's folder; raises `OSError` or `ValueError`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on a configuration."""

    characters: int = 1 << 18
    """Characters of all files together, and again of each text that a variable puts in another place."""
    values: int = 10_000
    """Values of all files together, and again of each list or table that a variable puts in another place."""
    depth: int = 64
    """Depth of nested tables and lists, those that variables put there included."""
    includes: int = 8
    """Depth of files that include each other."""
    files: int = 250
    """Number of files that are included."""


def _no_includes(path: str) -> str:
    raise ValueError("files are not read here")


@dataclass(slots=True)
class _Context:
    """State that all files of one configuration share."""

    environ: Mapping[str, str]
    read_include: ReadInclude
    limits: Limits
    missing_ok: bool
    said: Callable[[Place, str], None]
    budget: Budget
    may_lead_out: Callable[[str], bool]
    files: list[str] = field(default_factory=list)
    included: int = 0
    variables: dict[str, Value] = field(default_factory=dict)
    """Parsed values of the environment."""


def parse(
    text: str,
    file: str = "stan.conf",
    *,
    environ: Mapping[str, str] | None = None,
    read_include: ReadInclude = _no_includes,
    missing_ok: bool = False,
    said: Callable[[Place, str], None] = lambda place, line: None,
    limits: Limits | None = None,
    may_lead_out: Callable[[str], bool] = lambda path: False,
) -> Table:
    """Parse `text` to a tree; `file` is its name, for places and for its includes.

    A variable is looked up in the tables around it, then in `environ`, whose values are read as
    configuration too. An undefined one is an error, or, with `missing_ok`, a `Missing`. `said` is called
    for names given twice, of which the last counts. `may_lead_out` says whether an include may be outside the
    file's folder. Raises only `ConfError`.
    """
    limits = limits or Limits()
    budget = Budget(limits.characters, limits.values, limits.depth)
    context = _Context(environ or {}, read_include, limits, missing_ok, said, budget, may_lead_out)
    return _Parser(context, text, file, "").whole()


class _Parser:
    """The parser of one file."""

    def __init__(self, context: _Context, text: str, file: str, folder: str, depth: int = 0) -> None:
        self._context = context
        self._folder = folder
        self._scopes: list[Table] = []
        self._depth = depth
        context.budget.take_text(len(text), Place(file, 1, 1))
        self._text = Scanner(text, file)

    def whole(self) -> Table:
        """Parse the file as a table; braces around all of it, as in JSON, are allowed."""
        table: Table = {}
        self._scopes.append(table)
        text = self._text
        while True:
            self._skip_between(_SPACE + "{")
            if text.char == END:
                return table
            if text.char == "}" and not text.text[text.at + 1 :].strip():
                return table
            self._entry(table)
            self._end_of_value("}")

    # Tables

    def _table(self) -> Table:
        """Parse a table whose opening brace has been read."""
        table: Table = {}
        start = self._text.at - 1
        self._scopes.append(table)
        while True:
            self._skip_between(_SPACE)
            if self._text.take("}"):
                self._scopes.pop()
                return table
            if self._text.char == END:
                raise self._text.error("the table has no closing '}'", start)
            if self._text.char == "]":
                raise self._text.error("there is a ']' in a table")
            self._entry(table)
            self._text.skip(_BLANKS)
            if self._text.char != "}":
                self._end_of_value("")

    def _skip_between(self, characters: str) -> None:
        """Skip blanks, new lines and comments."""
        while True:
            self._text.skip(characters)
            if not self._text.skip_comment():
                return

    def _entry(self, table: Table) -> None:
        text = self._text
        place = text.place()
        if text.char in _SEPARATORS + "/":
            raise text.error(f"there is a '{text.char}' where a name should be")
        if text.char in "\"'":
            quote = text.char
            text.at += 1
            name = text.quoted(quote, "the name")
        else:
            name = self._bare_name()
            if name.lower() == "include" and text.char and text.char in _SPACE:
                self._include(table, place)
                return
        text.skip(_SPACE)
        if text.char and text.char in _SEPARATORS:
            text.at += 1
            # In a table a value may begin on the next line, at the top it may not.
            text.skip(_SPACE if len(self._scopes) > 1 else _BLANKS)
        if text.char in (END, "}", "\n", "\r", ","):
            raise text.error(f"{_shown(name)} has no value")
        self._set(table, name, Entry(self._value(), place))

    def _bare_name(self) -> str:
        text = self._text
        start = text.at
        while text.char and text.char not in _SPACE and text.char not in _SEPARATORS:
            text.at += 1
        return text.text[start : text.at]

    def _set(self, table: Table, name: str, entry: Entry) -> None:
        if name in table:
            self._context.said(
                table[name].place, f"{_shown(name)} is given again at {entry.place}; the last one counts"
            )
        table[name] = entry

    def _end_of_value(self, closing: str) -> None:
        """Read the separator between a value and the next name; anything else is an error."""
        text = self._text
        text.skip(_BLANKS)
        if text.skip_comment() or text.char == END:
            return
        if text.char in "\n\r;," + closing:
            text.at += 1
            return
        raise text.error(f"there is {text.char!a} where a value should have ended")

    # Values

    def _value(self) -> Value:
        text = self._text
        self._context.budget.take_value(text)
        if text.take("{"):
            return self._nested(self._table)
        if text.take("["):
            return self._nested(self._list)
        if text.take("'"):
            return text.quoted("'", "the string")
        if text.take('"'):
            return text.escaped()
        if text.take("("):
            return text.block()
        if text.char == ".":
            raise text.error("a number has to begin with a digit")
        if text.char in "-0123456789":
            number = scalar(text)
            if number is not None:
                return number
        return self._word()

    def _nested(self, read: Callable[[], Value]) -> Value:
        self._depth += 1
        if self._depth > self._context.limits.depth:
            raise self._text.error("tables and lists are nested too deeply")
        value = read()
        self._depth -= 1
        self._context.budget.weigh(value)
        return value

    def _list(self) -> list[Value]:
        text = self._text
        start = text.at - 1
        items: list[Value] = []
        while True:
            self._skip_between(_SPACE)
            if text.take("]"):
                return items
            if text.char == END:
                raise text.error("the list has no closing ']'", start)
            if text.char in ",}":
                raise text.error(f"there is a '{text.char}' where an item of the list should be")
            items.append(self._value())
            text.skip(_BLANKS)
            text.skip_comment()
            if text.char not in "\n\r,]":
                raise text.error("items of a list are separated by ',' or new lines")
            text.take(",")

    def _word(self) -> Value:
        place = self._text.place()
        word, had_escapes = self._text.bare()
        if had_escapes:
            return word
        if word.lower() in _TRUTH:
            return _TRUTH[word.lower()]
        if word.startswith("$"):
            return self._variable(word[1:], place)
        return word

    # Variables and includes

    def _variable(self, name: str, place: Place) -> Value:
        if name.startswith(_BCRYPT):
            return f"${name}"
        for scope in reversed(self._scopes):
            if name in scope:
                return self._again(scope[name].value, place)
        if name in self._context.environ:
            if name not in self._context.variables:
                self._context.variables[name] = self._from_environment(name, place)
            return self._again(self._context.variables[name], place)
        if self._context.missing_ok:
            return Missing(name)
        raise ConfError(place, f"variable ${name} is set neither here nor in the environment")

    def _again(self, value: Value, place: Place) -> Value:
        """Return the value, counted once more."""
        self._context.budget.take_again(value, self._depth, place)
        return value

    def _from_environment(self, name: str, place: Place) -> Value:
        """Parse a variable of the environment as the server does: as the rest of a line after a name."""
        try:
            table = parse(f"value={self._context.environ[name]}", limits=self._context.limits)
        except ConfError as error:
            raise ConfError(place, f"environment {name} holds no value: {error.reason}") from None
        if "value" not in table:
            raise ConfError(place, f"environment {name} holds no value")
        self._context.budget.weigh_all(table["value"].value)
        return table["value"].value

    def _include(self, table: Table, place: Place) -> None:
        text = self._text
        text.skip(_BLANKS)
        if text.char in (END, "\n", "\r") or text.char in "[{(\\-0123456789":
            raise text.error("include needs the name of a file")
        if text.take("'"):
            name = text.quoted("'", "the file's name")
        elif text.take('"'):
            name = text.quoted('"', "the file's name")
        else:
            name, _ = text.bare()
        included = self._included(name, place)
        for key, entry in included.items():
            self._set(table, key, entry)

    def _included(self, name: str, place: Place) -> Table:
        context = self._context
        path = posixpath.normpath(posixpath.join(self._folder, name.lstrip("/")))
        if path.startswith("..") and not context.may_lead_out(path):
            raise ConfError(place, f"include {_shown(name)} leads out of the configuration's folder")
        if path in context.files:
            raise ConfError(place, f"include {_shown(name)} includes itself")
        if len(context.files) >= context.limits.includes:
            raise ConfError(place, f"more than {context.limits.includes} files include each other")
        context.included += 1
        if context.included > context.limits.files:
            raise ConfError(place, f"more than {context.limits.files} files are included")
        try:
            content = context.read_include(path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ConfError(place, f"include {_shown(name)} cannot be read: {reason.lower()}") from error
        context.files.append(path)
        table = _Parser(context, content, path, posixpath.dirname(path), self._depth).whole()
        context.files.pop()
        return table


def _shown(name: str) -> str:
    return ascii(name if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]}…")
