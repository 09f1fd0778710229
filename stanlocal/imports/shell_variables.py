"""The variables of a shell, and the words and texts that they expand to. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from stanlocal.imports.flags import Word
from stanlocal.imports.shell_words import Part, Substitution, Text, Token, Variable
from stanlocal.natsconf import ConfError, Place

LONGEST = 1 << 18
"""Number of characters of a script, and of all that its variables come to."""
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=")
_SEQUENCE = re.compile(r"seq\s+(\d{1,3})(?:\s+(\d{1,3}))?\s*")
_BRACES = re.compile(r"\{(\d{1,3})\.\.(\d{1,3})\}")
_WORD = 16
"""Number of characters that a word of an array counts for besides its own: it costs more than they do."""
_LONGEST_SHOWN = 60
_NO_NAME = re.compile(r"[^\w()./-]+")
"""Characters that the server's configuration has in no name of a variable."""
_FOLDER = re.compile(r"\s*(?:pwd|cd [^|]*&&\s*pwd(?: -P)?|dirname .*|readlink .*|realpath .*)\s*", re.DOTALL)
"""Commands whose output is the script's own folder."""


@dataclass(slots=True)
class Budget:
    """The work that may still be done for one script and all that it runs."""

    characters: int = 4 * LONGEST
    commands: int = 5_000
    servers: int = 64
    depth: int = 16
    """Depth of functions and scripts within each other."""

    def take(self, characters: int, place: Place) -> None:
        """Count characters; raises `ConfError` for too many."""
        self.characters -= characters
        if self.characters < 0:
            raise ConfError(
                place, f"there are more than {4 * LONGEST} characters, those of variables included"
            )

    def command(self, place: Place) -> None:
        """Count a command; raises `ConfError` for too many."""
        self.commands -= 1
        if self.commands < 0:
            raise ConfError(place, "there are more than 5000 commands, those of loops included")

    def server(self, place: Place) -> None:
        """Count a server; raises `ConfError` for too many."""
        self.servers -= 1
        if self.servers < 0:
            raise ConfError(place, "there are more than 64 servers")


@dataclass
class Variables:
    """The variables of one script and of those that it reads or runs in turn."""

    environ: Mapping[str, str]
    budget: Budget
    printed: Callable[[str, Place], str | None] = lambda script, place: None
    """Returns the output of a script; None if only running it would tell."""
    values: dict[str, str] = field(default_factory=dict)
    arrays: dict[str, list[Word]] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)
    export_all: bool = False
    positional: Sequence[Word] | None = None
    _missing: dict[str, str] = field(default_factory=dict)
    """Variables whose values only running would tell, with what they come from."""

    def environment(self) -> dict[str, str]:
        """Return the variables that a command gets: those of this environment and what the script exports.

        One whose value only running would tell is left out, also where this environment has another for it.
        """
        exported = {name: self.values[name] for name in self.exported if name in self.values}
        inherited = {name: value for name, value in self.values.items() if name in self.environ}
        given = {**self.environ, **inherited, **exported}
        return {name: value for name, value in given.items() if name not in self._missing}

    def is_set(self, name: str) -> bool:
        return name in self.values or name in self.environ

    def assign(self, name: str, value: Word) -> None:
        self._missing.pop(name, None)
        self.arrays.pop(name, None)
        self.values[name] = value.text
        if self.export_all:
            self.exported.add(name)
        if value.missing:
            self._missing[name] = value.missing

    def assign_token(self, token: Token, *, if_unset: bool = False) -> None:
        """Assign what a word `NAME=value`, `NAME+=value` or `NAME=(…)` says."""
        name, value, adds = self.assignment(token)
        if token.items is not None:
            items = [word for item in token.items for word in self.fields(item)]
            before = self.arrays.get(name, []) if adds else []
            self.assign(name, (before + items or [Word("", token.place)])[0])
            self.arrays[name] = before + items
        elif adds:
            missing = self._missing.get(name, "") or value.missing
            self.assign(name, Word(self.values.get(name, "") + value.text, token.place, missing))
        elif not (if_unset and self.is_set(name)):
            self.assign(name, value)

    def set_options(self, words: Sequence[Word]) -> None:
        """Follow the builtin `set`, as far as it exports variables or gives the script arguments."""
        texts = [word.text for word in words]
        if "--" in texts:
            self.positional = words[texts.index("--") + 1 :]
        for before, word in pairwise(["", *texts]):
            if (word[:1] == "-" and "a" in word) or (before, word) == ("-o", "allexport"):
                self.export_all = True
            elif (word[:1] == "+" and "a" in word) or (before, word) == ("+o", "allexport"):
                self.export_all = False

    def assignment(self, token: Token) -> tuple[str, Word, bool]:
        """Return the name and the value of a word `NAME=value`, and whether it adds to the one before."""
        first = token.parts[0]
        match = _ASSIGNMENT.match(first.text) if isinstance(first, Text) else None
        assert match is not None
        assert isinstance(first, Text)
        rest = Text(first.text[match.end() :], True)
        return match[1], self.joined((rest, *token.parts[1:]), token.place), bool(match[2])

    def fields(self, token: Token) -> Iterator[Word]:
        """Yield the words that a word expands to."""
        if len(token.parts) == 1 and isinstance(token.parts[0], Variable):
            only = token.parts[0]
            if only.operator == "@":
                value = self._value(only.name)
                words = self.arrays.get(only.name, [] if value is None else [Word(value, token.place)])
                yield from self._each(words, token.place)
                return
            if only.name in ("@", "*") and not only.operator:
                yield from self._each(self.positional or (), token.place)
                return
        yield from self._split_fields(token)

    def _each(self, words: Sequence[Word], place: Place) -> Iterator[Word]:
        """Yield words of an array, which may hold itself twice."""
        self.budget.take(sum(len(word.text) + _WORD for word in words), place)
        yield from (word._replace(place=place) for word in words)

    def _split_fields(self, token: Token) -> Iterator[Word]:
        text: list[str] = []
        missing = ""
        exists = False
        for part in token.parts:
            value, lacking = self._expanded(part, token.place)
            self.budget.take(len(value), token.place)
            missing = missing or lacking
            if part.quoted or isinstance(part, Text):
                numbers = _BRACES.fullmatch(value) if isinstance(part, Text) and not part.quoted else None
                if numbers and len(token.parts) == 1:
                    yield from (Word(each, token.place) for each in _count(numbers[1], numbers[2]))
                    return
                text.append(value)
                exists = True
                continue
            pieces = re.split(r"\s+", value)
            text.append(pieces[0])
            for piece in pieces[1:]:
                if exists or "".join(text):
                    yield Word("".join(text), token.place, missing)
                text, exists = [piece], False
        if exists or missing or "".join(text):
            yield Word("".join(text), token.place, missing)

    def joined(self, parts: Sequence[Part], place: Place) -> Word:
        """Return the parts as one word."""
        values = [self._expanded(part, place) for part in parts]
        self.budget.take(sum(len(value) for value, _ in values), place)
        return Word(
            "".join(value for value, _ in values), place, next((each for _, each in values if each), "")
        )

    def text(self, parts: Iterable[Part], place: Place) -> str:
        """Return the parts as the text of a file, in which what is unknown stays a reference to it."""
        values = (self._expanded(part, place) for part in parts)
        text = "".join(f"${_NO_NAME.sub('_', lacking)}" if lacking else value for value, lacking in values)
        self.budget.take(len(text), place)
        return text

    def _expanded(self, part: Part, place: Place) -> tuple[str, str]:
        """Return the text of a part, and what is missing for it."""
        if isinstance(part, Text):
            return part.text, ""
        if isinstance(part, Substitution):
            return self._substituted(part, place)
        if part.operator == "@":
            words = self.arrays.get(part.name)
            if words is not None:
                return " ".join(word.text for word in words), next(
                    (w.missing for w in words if w.missing), ""
                )
        value = self._value(part.name)
        lacking = self._lacking(part.name) if value is not None else part.name
        if part.operator and part.operator != "@":
            empty = value is None or (not value and part.operator.startswith(":"))
            operator = part.operator.removeprefix(":")
            if operator == "+" or empty:
                replaced = self.joined(part.word, place) if empty != (operator == "+") else Word("", place)
                if operator in "-=+":
                    if operator == "=":
                        self.assign(part.name, replaced)
                    return replaced.text, replaced.missing
        if value is None:
            return ("", "") if part.operator else ("?", lacking)
        return value, lacking

    def _substituted(self, part: Substitution, place: Place) -> tuple[str, str]:
        if len(part.text) <= _LONGEST_SHOWN and _FOLDER.fullmatch(part.text):
            return ".", ""
        if numbers := _SEQUENCE.fullmatch(part.text):
            return " ".join(_count(*(("1", numbers[1]) if numbers[2] is None else numbers.group(1, 2)))), ""
        if part.text.startswith("{"):
            return "?", part.text
        output = self.printed(part.text, place)
        return ("?", f"({part.text[:_LONGEST_SHOWN]})") if output is None else (output.rstrip("\n"), "")

    def _value(self, name: str) -> str | None:
        if name in ("@", "*") or (name.isdigit() and self.positional is not None):
            return " ".join(word.text for word in self._arguments(name))
        if name in self.values:
            return self.values[name]
        if name == "PWD":
            return "."
        return self.environ.get(name)

    def _lacking(self, name: str) -> str:
        """Return what the value of a variable comes from, where only running would tell it; else nothing."""
        missing = (word.missing for word in self._arguments(name) if word.missing)
        return next(missing, self._missing.get(name, ""))

    def _arguments(self, name: str) -> Sequence[Word]:
        """Return the script's arguments that a name such as `1` or `@` stands for."""
        arguments = self.positional or ()
        if name in ("@", "*"):
            return arguments
        return arguments[int(name) - 1 :][:1] if name.isdigit() and int(name) else ()


def laid_over(before: Mapping[str, str], own: Mapping[str, Word]) -> dict[str, str]:
    """Return variables with a command's own over them, without those that only running it would tell."""
    texts = {name: word.text for name, word in own.items()}
    unknown = {name for name, word in own.items() if word.missing}
    return {name: value for name, value in {**before, **texts}.items() if name not in unknown}


def is_assignment(token: Token) -> bool:
    """Return whether the word is `NAME=value`."""
    first = token.parts[0] if token.parts else None
    return isinstance(first, Text) and not first.quoted and _ASSIGNMENT.match(first.text) is not None


def _count(first: str, last: str) -> list[str]:
    step = 1 if int(first) <= int(last) else -1
    return [str(number) for number in range(int(first), int(last) + step, step)]
