"""The words and operators of a shell script, with the places where variables go in. Pure.

The shell's quoting is followed; nothing is expanded here, and nothing is ever run.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from stanlocal.natsconf import ConfError, Place

_DEPTH = 8
"""Depth of variables whose defaults have variables: `${A:-${B:-c}}`."""
_MOST_ITEMS = 10_000
"""Number of words of an array, blanks between them included."""
_BLANK = re.compile(r"(?:[ \t\r]|\\\n)+")
_BLANKS = re.compile(r"(?:\s|\\\n)+")
_ARRAY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_PLAIN = re.compile(r"[^\s'\"\\$`;&|()<>]+")
_IN_QUOTES = re.compile(r"[^\"\\$`]+")
_OPERATOR = re.compile(r"\n|;;&?|;&|;|&&|&>>?|&|\|\||\|&?|<<<|<<-?|<&|<>|<|>>|>&|>\||>|\(|\)")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
_BRACED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])(:?[-=?+])?")
_WHOLE_ARRAY = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\[[@*]\]")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "a": "\a", "e": "\x1b"}


@dataclass(frozen=True, slots=True)
class Text:
    """Literal text; `quoted` if its blanks separate no words."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable, with the operator of `${NAME:-word}` and its word; `${NAME[@]}` has `@`."""

    name: str
    quoted: bool = False
    operator: str = ""
    word: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Substitution:
    """The output of a command, or the value of an expression: `$(hostname)`, `$((1 + i))`."""

    text: str
    quoted: bool = False


Part = Text | Variable | Substitution


@dataclass(slots=True)
class Token:
    """A word, made of parts, or an operator."""

    place: Place
    parts: tuple[Part, ...] = ()
    operator: str = ""
    number: str = ""
    """Number of the file that the operator redirects, where it is given: 2>log."""
    body: tuple[Part, ...] = ()
    """Text of the here-document that the operator `<<` begins."""
    body_place: Place | None = None
    """Place where that text begins."""
    items: tuple[Token, ...] | None = None
    """Words of the array that the word assigns: `NAME=(…)`."""

    @property
    def literal(self) -> str:
        """The word's text when nothing in it is quoted or expanded; else empty."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Text) and not self.parts[0].quoted:
            return self.parts[0].text
        return ""


@dataclass(slots=True)
class _HereDocument:
    token: Token
    end: str
    quoted: bool
    indented: bool


@dataclass(slots=True)
class Lexer:
    """The reader of one text; `at` is a place in it."""

    text: str
    where: Callable[[int, int], Place]
    """Makes a place of a line and a column, both from 1."""
    _at: int = 0
    _number: str = ""
    _starts: list[int] = field(default_factory=list)
    _waiting: list[_HereDocument] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", self.text))]

    def tokens(self) -> Iterator[Token]:
        """Yield all words and operators; raises `ConfError` where a quote or bracket is not closed."""
        while True:
            if blank := _BLANK.match(self.text, self._at):
                self._at = blank.end()
            if self._at >= len(self.text):
                return
            if self.text[self._at] == "#":
                end = self.text.find("\n", self._at)
                self._at = len(self.text) if end < 0 else end
                continue
            operator = _OPERATOR.match(self.text, self._at)
            if operator is None:
                yield from self._word()
            else:
                yield from self._operator(operator[0])

    def _place(self, at: int) -> Place:
        line = bisect_right(self._starts, at)
        return self.where(line, at - self._starts[line - 1] + 1)

    def _error(self, at: int, reason: str) -> ConfError:
        return ConfError(self._place(at), reason)

    def _operator(self, operator: str) -> Iterator[Token]:
        token = Token(self._place(self._at), operator=operator, number=self._number)
        self._number = ""
        self._at += len(operator)
        if operator in ("<<", "<<-"):
            token.operator = "<<"
            self._begin_document(token, indented=operator == "<<-")
        elif operator == "\n":
            self._read_documents()
        elif operator in ("<", ">") and self.text.startswith("(", self._at):  # a process in a file's place
            yield Token(token.place, (Substitution(self._bracketed(self._at, "(", ")")),))
            return
        yield token

    def _begin_document(self, token: Token, *, indented: bool) -> None:
        if blank := _BLANK.match(self.text, self._at):
            self._at = blank.end()
        start = self._at
        for word in self._word() if start < len(self.text) else ():
            end = "".join(part.text for part in word.parts if isinstance(part, Text))
            quoted = any(part.quoted for part in word.parts) or "\\" in self.text[start : self._at]
            self._waiting.append(_HereDocument(token, end, quoted, indented))

    def _read_documents(self) -> None:
        for document in self._waiting:
            document.token.body_place = self._place(self._at)
            lines: list[str] = []
            while self._at < len(self.text):
                end = self.text.find("\n", self._at)
                line = self.text[self._at : len(self.text) if end < 0 else end]
                self._at += len(line) + 1
                line = line.lstrip("\t") if document.indented else line
                if line == document.end:
                    break
                lines.append(line)
            body = "\n".join(lines) + "\n" if lines else ""
            inner = Lexer(body, lambda line, column, place=document.token.place: place)  # type: ignore[misc]
            document.token.body = (
                (Text(body, True),) if document.quoted else tuple(inner._quoted(until="", depth=0))
            )
        self._waiting = []

    # Words

    def _word(self) -> Iterator[Token]:
        start = self._at
        parts: list[Part] = []
        while self._at < len(self.text):
            char = self.text[self._at]
            if plain := _PLAIN.match(self.text, self._at):
                self._at = plain.end()
                parts.append(Text(plain[0]))
            elif char.isspace() or _OPERATOR.match(self.text, self._at):
                break
            else:
                parts += self._special(char, quoted=False, depth=0)
        word = self.text[start : self._at]
        following = self.text[self._at : self._at + 1]
        if word.isdigit() and following in ("<", ">"):  # a file's number: 2>log
            self._number = word
        elif following == "(" and _ARRAY.fullmatch(word):
            yield Token(self._place(start), tuple(parts), items=tuple(self._items(start)))
        else:
            yield Token(self._place(start), tuple(parts))

    def _items(self, start: int) -> Iterator[Token]:
        """Read the words of an array; `_at` is at its opening bracket."""
        self._at += 1
        left = _MOST_ITEMS
        while self._at < len(self.text):
            left -= 1
            if left < 0:
                raise self._error(start, f"the array has more than {_MOST_ITEMS} words")
            if blank := _BLANKS.match(self.text, self._at):
                self._at = blank.end()
            elif self.text[self._at] == ")":
                self._at += 1
                return
            elif self.text[self._at] == "#":
                end = self.text.find("\n", self._at)
                self._at = len(self.text) if end < 0 else end
            elif _OPERATOR.match(self.text, self._at):
                break
            else:
                yield from self._word()
        raise self._error(start, "the bracket of the array is not closed")

    def _special(self, char: str, *, quoted: bool, depth: int) -> Iterator[Part]:
        """Read a quote, an escape or a variable."""
        start = self._at
        self._at += 1
        if char == "'" and not quoted:
            yield Text(self._until("'", start), True)
        elif char == '"' and not quoted:
            inner = list(self._quoted(until='"', depth=depth))
            yield from inner or (Text("", True),)
        elif char == "\\":
            following = self.text[self._at : self._at + 1]
            self._at += 1
            if following != "\n":
                yield Text(following if not quoted or following in '$`"\\' else f"\\{following}", True)
        elif char == "`":
            yield Substitution(self._until("`", start), quoted)
        elif char == "$":
            yield from self._dollar(start, quoted=quoted, depth=depth)
        else:
            yield Text(char, quoted)

    def _quoted(self, *, until: str, depth: int) -> Iterator[Part]:
        """Read what is within double quotes, or the rest of the text where `until` is empty."""
        start = self._at
        while self._at < len(self.text):
            char = self.text[self._at]
            if char == until:
                self._at += 1
                return
            if plain := _IN_QUOTES.match(self.text, self._at):
                self._at = plain.end()
                yield Text(plain[0], True)
            elif char == '"':
                self._at += 1
                yield Text(char, True)
            else:
                yield from self._special(char, quoted=True, depth=depth)
        if until:
            raise self._error(start - 1, f"the quote {until} is not closed")

    def _until(self, quote: str, start: int) -> str:
        end = self.text.find(quote, self._at)
        if end < 0:
            raise self._error(start, f"the quote {quote} is not closed")
        content = self.text[self._at : end]
        self._at = end + 1
        return content

    def _dollar(self, start: int, *, quoted: bool, depth: int) -> Iterator[Part]:
        following = self.text[self._at : self._at + 1]
        if following == "(":
            yield Substitution(self._bracketed(start, "(", ")"), quoted)
        elif following == "{":
            yield self._braced(start, quoted=quoted, depth=depth)
        elif following == "'" and not quoted:
            self._at += 1
            yield Text(self._c_quoted(start), True)
        elif following == '"' and not quoted:
            self._at += 1
            yield from self._quoted(until='"', depth=depth)
        elif name := _VARIABLE.match(self.text, self._at):
            self._at = name.end()
            yield Variable(name[0], quoted)
        else:
            yield Text("$", quoted)

    def _c_quoted(self, start: int) -> str:
        content = re.compile(r"((?:[^'\\]|\\.)*)'", re.DOTALL).match(self.text, self._at)
        if content is None:
            raise self._error(start, "the quote $' is not closed")
        self._at = content.end()
        return re.sub(r"\\(.)", lambda each: _ESCAPES.get(each[1], each[0]), content[1], flags=re.DOTALL)

    def _bracketed(self, start: int, opening: str, closing: str) -> str:
        """Read to the matching bracket; `_at` is at the opening one."""
        begin = self._at
        depth = 0
        for match in re.compile(rf"[\\{opening}\\{closing}]").finditer(self.text, self._at):
            depth += {opening: 1, closing: -1}.get(match[0], 0)
            if depth == 0:
                self._at = match.end()
                return self.text[begin + 1 : match.start()]
        raise self._error(start, f"the bracket ${opening} is not closed")

    def _braced(self, start: int, *, quoted: bool, depth: int) -> Part:
        """Read `${…}`; `_at` is at the brace."""
        if depth > _DEPTH:
            raise self._error(start, "variables are nested too deeply")
        head = _BRACED.match(self.text, self._at + 1)
        if head is not None and head[2] and head.end() < len(self.text):
            self._at = head.end()
            word: list[Part] = []
            while self._at < len(self.text) and self.text[self._at] != "}":
                char = self.text[self._at]
                plain = re.compile(r"[^}'\"\\$`]+").match(self.text, self._at)
                if plain is not None:
                    self._at = plain.end()
                    word.append(Text(plain[0], quoted))
                else:
                    word += self._special(char, quoted=quoted and char not in "'\"", depth=depth + 1)
            if self._at < len(self.text):
                self._at += 1
                return Variable(head[1], quoted, head[2], tuple(word))
            raise self._error(start, "the brace ${ is not closed")
        content = self._bracketed(start, "{", "}")
        if head is not None and content == head[1]:
            return Variable(content, quoted)
        if (array := _WHOLE_ARRAY.fullmatch(content)) is not None:
            return Variable(array[1], quoted, "@")
        return Substitution(f"{{{content}}}", quoted)
