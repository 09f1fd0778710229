"""The text, character by character: position, blanks, comments, quoted and bare words."""

from __future__ import annotations

import re
from bisect import bisect_right

from stanlocal.natsconf.tree import ConfError, Place

END = ""
"""The character read at the end of the text."""

_IN_BARE = re.compile(r"[^\n\r\t ;,\]}'\\]+")
_IN_QUOTES = re.compile(r'[^"\\]+')
_ESCAPES = {"t": b"\t", "n": b"\n", "r": b"\r", '"': b'"', "\\": b"\\"}
_HEX = re.compile(r"[0-9a-fA-F]{2}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_COMMENT = re.compile(r"[^\r\n]*")


class Scanner:
    """A text with a position in it."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.at = 0
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]
        if (nul := text.find("\0")) >= 0:
            self.at = nul
            raise self.error("there is a NUL character")
        if found := _SURROGATE.search(text):
            self.at = found.start()
            raise self.error(f"a character that UTF-8 cannot encode (U+{ord(found[0]):04X})")

    # Position

    def place(self, at: int | None = None) -> Place:
        """Return the place of the position, or of another one."""
        at = self.at if at is None else at
        line = bisect_right(self._lines, at)
        return Place(self.file, line, at - self._lines[line - 1] + 1)

    def error(self, reason: str, at: int | None = None) -> ConfError:
        """Return an error at the position, or at another one."""
        return ConfError(self.place(at), reason)

    # Characters

    @property
    def char(self) -> str:
        """The next character; `END` at the end."""
        return self.text[self.at : self.at + 1]

    def take(self, expected: str) -> bool:
        """Step over `expected` if it is next; return whether it was."""
        if self.text.startswith(expected, self.at):
            self.at += len(expected)
            return True
        return False

    def match(self, pattern: re.Pattern[str]) -> str:
        """Step over the text that `pattern` matches here, which may be empty, and return it."""
        found = pattern.match(self.text, self.at)
        if found is None:
            return ""
        self.at = found.end()
        return found[0]

    def skip(self, characters: str) -> None:
        """Step over any of `characters`."""
        while self.char and self.char in characters:
            self.at += 1

    def skip_comment(self) -> bool:
        """Step over a comment, up to the end of its line; return whether there was one."""
        if self.take("#") or self.take("//"):
            self.match(_COMMENT)
            return True
        return False

    # Strings

    def quoted(self, quote: str, what: str) -> str:
        """Read the text up to the next `quote`, unchanged; its opening quote has been read."""
        end = self.text.find(quote, self.at)
        if end < 0:
            raise self.error(f"{what} has no closing {quote}", self.at - 1)
        found, self.at = self.text[self.at : end], end + 1
        return found

    def escaped(self) -> str:
        """Read the text up to the closing double quote, with escapes resolved."""
        start = self.at - 1
        content = self._with_escapes(_IN_QUOTES)
        if not self.take('"'):
            raise self.error('the string has no closing "', start)
        return content

    def bare(self) -> tuple[str, bool]:
        """Read a word without quotes, and whether it had escapes; a single quote ends it and is read."""
        start = self.at
        word = self._with_escapes(_IN_BARE)
        had_escapes = "\\" in self.text[start : self.at]
        self.take("'")
        return word, had_escapes

    def _with_escapes(self, ordinary: re.Pattern[str]) -> str:
        parts: list[bytes] = []
        start = self.at
        while True:
            if chunk := self.match(ordinary):
                parts.append(chunk.encode())
            elif self.char == "\\":
                parts.append(self._escape())
            else:
                break
        try:
            return b"".join(parts).decode()
        except UnicodeDecodeError:
            raise self.error("the string's \\x escapes are not valid UTF-8", start) from None

    def _escape(self) -> bytes:
        at = self.at
        self.at += 1
        letter = self.char
        self.at += 1
        if letter == "x":
            if digits := self.match(_HEX):
                return bytes.fromhex(digits)
            raise self.error("\\x needs two hexadecimal digits", at)
        if letter not in _ESCAPES:
            raise self.error('there are no escapes but \\xXX, \\t, \\n, \\r, \\" and \\\\', at)
        return _ESCAPES[letter]

    _BLOCK_END = re.compile(r"\n\)(?=\n|\Z)")

    def block(self) -> str:
        """Read a block string, up to a `)` that is alone on its line; its `(` has been read."""
        found = self._BLOCK_END.search(self.text, self.at)
        if found is None:
            raise self.error("the block has no closing ')' on a line of its own", self.at - 1)
        content, self.at = self.text[self.at : found.start() + 1], found.end()
        return content
