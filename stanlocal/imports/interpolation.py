"""Variables in the values of a Compose file: `$NAME`, `${NAME:-default}` and similar forms. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_PIECE = re.compile(r"\$\$|\$(?P<plain>[A-Za-z_][A-Za-z0-9_]*)|\$\{|(?P<close>\})|\$")
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(:?[-?+])?")
_DEPTH = 8


class InterpolationError(ValueError):
    """A value that Compose refuses; the message is the reason."""


@dataclass(slots=True)
class Interpolation:
    """The variables of one project; `unset` collects those that are set nowhere, which are blank."""

    variables: Mapping[str, str]
    left: int = 1 << 20
    """Number of characters that variables may still expand to."""
    unset: set[str] = field(default_factory=set)

    def text(self, value: str) -> str:
        """Return the value with its variables; raises `InterpolationError`."""
        if "$" not in value:
            return value
        return self._until(value, 0, depth=0)[0]

    def _until(self, text: str, at: int, *, depth: int) -> tuple[str, int]:
        """Return the expanded text up to the closing brace, or to its end, and the position of that."""
        if depth > _DEPTH:
            raise InterpolationError("its variables are nested too deeply")
        parts: list[str] = []
        while (piece := _PIECE.search(text, at)) is not None:
            parts.append(text[at : piece.start()])
            at = piece.end()
            if piece["close"]:
                if depth:
                    return "".join(parts), at
                parts.append("}")
            elif piece[0] == "$$":
                parts.append("$")
            elif piece["plain"]:
                parts.append(self._value(piece["plain"]))
            elif piece[0] == "${":
                value, at = self._braced(text, at, depth=depth)
                parts.append(value)
            else:
                raise InterpolationError("a '$' in it stands alone; write '$$' for the character")
        if depth:
            raise InterpolationError("the brace of '${' is not closed")
        return "".join([*parts, text[at:]]), len(text)

    def _braced(self, text: str, at: int, *, depth: int) -> tuple[str, int]:
        head = _NAME.match(text, at)
        if head is None:
            raise InterpolationError("'${' is not followed by a name")
        name, operator = head[1], head[2] or ""
        word, end = self._until(text, head.end(), depth=depth + 1)
        if not operator:
            if word:
                raise InterpolationError(f"'${{{name}' is followed by {word[:20]!r}")
            return self._value(name), end
        value = self.variables.get(name)
        is_set = value is not None and (bool(value) or not operator.startswith(":"))
        if operator.endswith("+"):
            return (self._take(word) if is_set else ""), end
        if is_set:
            return self._value(name), end
        if operator.endswith("?"):
            raise InterpolationError(f"${name} has to be set{f': {word}' if word else ''}")
        return self._take(word), end

    def _value(self, name: str) -> str:
        if name not in self.variables:
            self.unset.add(name)
        return self._take(self.variables.get(name, ""))

    def _take(self, value: str) -> str:
        self.left -= len(value)
        if self.left < 0:
            raise InterpolationError("its variables expand to too many characters")
        return value
