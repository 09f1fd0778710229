"""A shell script as the servers that it would run: variables are followed, nothing is ever run.

Commands are read in their order, both branches of a condition included. What only running would tell, such
as the output of a command, is unknown; it matters only where the server's settings depend on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import dropwhile, islice

from stanlocal.imports.flags import Word
from stanlocal.imports.server_command import ServerCommand, server_command
from stanlocal.imports.shell_parser import Block, Function, Loop, Parser, Simple
from stanlocal.imports.shell_words import Lexer, Part, Substitution, Text, Token, Variable
from stanlocal.natsconf import ConfError, Place

LONGEST = 1 << 18
"""Number of characters of a script, and of all that its variables come to."""
_TOKENS = 20_000
"""Number of words and operators of a script."""
_COMMANDS = 5_000
_SERVERS = 64
_DEPTH = 16
"""Depth of functions and scripts within each other."""
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_DECLARES = frozenset(("export", "readonly", "declare", "typeset", "local"))
_SHELL = re.compile(r"(?:.*/)?(?:ba|da|k|z|a)?sh")
_SEQUENCE = re.compile(r"seq\s+(\d{1,3})(?:\s+(\d{1,3}))?\s*")
_BRACES = re.compile(r"\{(\d{1,3})\.\.(\d{1,3})\}")
_LONGEST_SHOWN = 60
_FOLDER = re.compile(r"\s*(?:pwd|cd [^|]*&&\s*pwd(?: -P)?|dirname .*|readlink .*|realpath .*)\s*", re.DOTALL)
"""Commands whose output is the script's own folder."""


@dataclass(frozen=True, slots=True)
class Started:
    """A server that the script starts."""

    command: ServerCommand
    environment: Mapping[str, str]


@dataclass
class Shell:
    """The reader of one script and of those that it reads or runs in turn."""

    environ: Mapping[str, str]
    read: Callable[[str], tuple[str, str] | None] = lambda name: None
    """Reads a script's file: its name in messages and its text; None where it cannot be."""
    servers: list[Started] = field(default_factory=list)
    written: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Files that the script writes, with the line of each file's first."""
    variables: dict[str, str] = field(default_factory=dict)
    _missing: dict[str, str] = field(default_factory=dict)
    """Variables whose values only running would tell, with what they come from."""
    _exported: set[str] = field(default_factory=set)
    _functions: dict[str, Block] = field(default_factory=dict)
    _positional: list[str] | None = None
    _characters: int = 4 * LONGEST
    _commands: int = _COMMANDS
    _depth: int = 0

    def run(
        self, text: str, where: Callable[[int, int], Place], arguments: Sequence[str] | None = None
    ) -> None:
        """Follow the script's commands; raises `ConfError` for what is no shell script, or too large."""
        if arguments is not None:
            self._positional = list(arguments)
        if len(text) > LONGEST:
            raise ConfError(where(1, 1), f"the script has more than {LONGEST} characters")
        self._take(len(text), where(1, 1))
        tokens = list(islice(Lexer(text, where).tokens(), _TOKENS + 1))
        if len(tokens) > _TOKENS:
            raise ConfError(tokens[-1].place, f"the script has more than {_TOKENS} words")
        self._block(Parser(tokens).block())

    def _take(self, characters: int, place: Place) -> None:
        self._characters -= characters
        if self._characters < 0:
            raise ConfError(
                place, f"there are more than {4 * LONGEST} characters, those of variables included"
            )

    def _block(self, block: Block) -> None:
        for statement in block:
            if isinstance(statement, Function):
                self._functions[statement.name] = statement.body
            elif isinstance(statement, Loop):
                for word in [each for token in statement.words for each in self._fields(token)]:
                    self._assign(statement.variable, word)
                    self._block(statement.body)
            else:
                self._simple(statement)

    def _simple(self, command: Simple) -> None:
        if not command.words:
            return
        place = command.words[0].place
        self._commands -= 1
        if self._commands < 0:
            raise ConfError(place, f"there are more than {_COMMANDS} commands, those of loops included")
        rest = list(dropwhile(_is_assignment, command.words))
        if not rest:
            for token in command.words:
                name, value = self._assignment(token)
                if not (command.conditional and self._is_set(name)):
                    self._assign(name, value)
            return
        own = [self._assignment(token) for token in command.words[: len(command.words) - len(rest)]]
        words = [field for token in rest for field in self._fields(token)]
        while words and words[0].text in ("$", "%", "?"):  # a documented command's prompt; an unset variable
            words = words[1:]
        if not words:
            return
        if command.document is not None and command.output is not None and words[0].text in ("cat", "tee"):
            self._write(command.output, command.document)
        elif command.document is not None and words[0].text == "tee" and len(words) > 1:
            self._write_to(words[-1].text, command.document)
        self._command(words, {name: value.text for name, value in own}, place)

    def _assignment(self, token: Token) -> tuple[str, Word]:
        """Return the name and the value of a word `NAME=value`."""
        first = token.parts[0]
        assert isinstance(first, Text)
        name, _, value = first.text.partition("=")
        return name, self._joined((Text(value, True), *token.parts[1:]), token.place)

    def _command(self, words: list[Word], own: Mapping[str, str], place: Place) -> None:
        name = words[0].text
        if name in _DECLARES:
            for word in words[1:]:
                variable, equals, value = word.text.partition("=")
                if equals:
                    self._assign(variable, word._replace(text=value))
                if name == "export" or "-x" in (each.text for each in words):
                    self._exported.add(variable)
        elif name in self._functions:
            self._nested(place, lambda: self._block(self._functions[name]), words[1:])
        elif name in (".", "source") and len(words) > 1:
            self._source(words[1])
        elif (script := _inner_script(words)) is not None:
            self._nested(place, lambda: self.run(script, lambda line, column: place), words[2:])
        elif (found := server_command(words)) is not None:
            if len(self.servers) >= _SERVERS:
                raise ConfError(place, f"there are more than {_SERVERS} servers")
            self.servers.append(Started(found, {**self.environment(), **own, **found.environment}))

    def environment(self) -> dict[str, str]:
        """Return the variables that a command gets: those of this environment and what the script exports."""
        exported = {name: self.variables[name] for name in self._exported if name in self.variables}
        inherited = {name: value for name, value in self.variables.items() if name in self.environ}
        return {**self.environ, **inherited, **exported}

    def _nested(self, place: Place, act: Callable[[], None], arguments: Sequence[Word]) -> None:
        self._depth += 1
        if self._depth > _DEPTH:
            raise ConfError(place, "functions and scripts are nested too deeply")
        before, self._positional = self._positional, [word.text for word in arguments]
        act()
        self._positional = before
        self._depth -= 1

    def _source(self, word: Word) -> None:
        found = self.read(word.text)
        if found is not None:
            name, text = found
            self._nested(
                word.place, lambda: self.run(text, lambda line, column: Place(name, line, column)), ()
            )

    # Files that the script writes

    def _write(self, output: Token, document: Token) -> None:
        self._write_to(self._joined(output.parts, output.place).text, document)

    def _write_to(self, name: str, document: Token) -> None:
        self.written[name] = (self._joined(document.body, document.place).text, document.body_line)

    # Variables

    def _is_set(self, name: str) -> bool:
        return name in self.variables or name in self.environ

    def _assign(self, name: str, value: Word) -> None:
        self._missing.pop(name, None)
        self.variables[name] = value.text
        if value.missing:
            self._missing[name] = value.missing

    def _fields(self, token: Token) -> Iterator[Word]:
        """Yield the words that a word expands to."""
        if len(token.parts) == 1 and isinstance(token.parts[0], Variable):
            only = token.parts[0]
            if only.name in ("@", "*"):
                for argument in self._positional or ():
                    yield Word(argument, token.place)
                return
        yield from self._split_fields(token)

    def _split_fields(self, token: Token) -> Iterator[Word]:
        text: list[str] = []
        missing = ""
        exists = False
        for part in token.parts:
            value, lacking = self._expanded(part, token.place)
            self._take(len(value), token.place)
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

    def _joined(self, parts: Sequence[Part], place: Place) -> Word:
        """Return the parts as one word."""
        values = [self._expanded(part, place) for part in parts]
        self._take(sum(len(value) for value, _ in values), place)
        return Word(
            "".join(value for value, _ in values), place, next((each for _, each in values if each), "")
        )

    def _expanded(self, part: Part, place: Place) -> tuple[str, str]:
        """Return the text of a part, and what is missing for it."""
        if isinstance(part, Text):
            return part.text, ""
        if isinstance(part, Substitution):
            if len(part.text) <= _LONGEST_SHOWN and _FOLDER.fullmatch(part.text):
                return ".", ""
            if numbers := _SEQUENCE.fullmatch(part.text):
                return " ".join(
                    _count(*(("1", numbers[1]) if numbers[2] is None else numbers.group(1, 2)))
                ), ""
            return "?", part.text if part.text.startswith("{") else f"({part.text[:_LONGEST_SHOWN]})"
        value = self._value(part.name, place)
        lacking = self._missing.get(part.name, "") if value is not None else part.name
        if part.operator:
            empty = value is None or (not value and part.operator.startswith(":"))
            operator = part.operator.removeprefix(":")
            if operator == "+" or empty:
                replaced = self._joined(part.word, place) if empty != (operator == "+") else Word("", place)
                if operator in "-=+":
                    if operator == "=":
                        self._assign(part.name, replaced)
                    return replaced.text, replaced.missing
        if value is None:
            return ("", "") if part.operator else ("?", lacking)
        return value, lacking

    def _value(self, name: str, place: Place) -> str | None:
        if name.isdigit() and self._positional is not None:
            number = int(name)
            return self._positional[number - 1] if 0 < number <= len(self._positional) else ""
        if name in self.variables:
            return self.variables[name]
        if name in ("@", "*"):
            return " ".join(self._positional or ())
        if name == "PWD":
            return "."
        return self.environ.get(name)


def _is_assignment(token: Token) -> bool:
    first = token.parts[0] if token.parts else None
    return isinstance(first, Text) and not first.quoted and _ASSIGNMENT.match(first.text) is not None


def _inner_script(words: Sequence[Word]) -> str | None:
    """Return the script that the command gives another shell: `sh -c '…'`, `ssh host …`, `su -c '…'`."""
    name = words[0].text
    if _SHELL.fullmatch(name) or name == "su":
        for at, word in enumerate(words[1:], 1):
            if re.fullmatch(r"-[a-z]*c", word.text):
                return words[at + 1].text if at + 1 < len(words) else None
        return None
    if name == "eval":
        return " ".join(word.text for word in words[1:])
    if name == "ssh":
        rest = [word.text for word in words[1:]]
        while rest and rest[0].startswith("-"):
            rest = rest[2:] if rest[0] in ("-p", "-i", "-l", "-o", "-F", "-J") else rest[1:]
        return " ".join(rest[1:]) or None
    return None


def _count(first: str, last: str) -> list[str]:
    step = 1 if int(first) <= int(last) else -1
    return [str(number) for number in range(int(first), int(last) + step, step)]
