"""A writer of YAML with comments: the same text for the same data. Pure.

Documents are mappings, lists and scalars; a value wrapped in `Noted` has a comment above it. Strings are
written plainly where no reader of YAML 1.1 or 1.2 can take them for something else, as a literal block
where they have several lines, and in double quotes otherwise.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_PLAIN = re.compile(r"[A-Za-z/$][A-Za-z0-9_./$()@+-]*(?:[:=][A-Za-z0-9_./$()@+-]+)*")
_NOT_STRINGS = frozenset({"y", "n", "yes", "no", "true", "false", "on", "off", "null", "none"})
_INDENT = "  "
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Noted:
    """A value with a comment; long lines of `comment` are wrapped."""

    value: Any
    comment: str


def plain(content: Any) -> Any:
    """Return a copy of the content without comments."""
    if isinstance(content, Noted):
        return plain(content.value)
    if isinstance(content, Mapping):
        return {key: plain(value) for key, value in content.items()}
    return [plain(value) for value in content] if isinstance(content, (list, tuple)) else content


def document(content: Mapping[str, Any], comment: str = "") -> str:
    """Return one YAML document, with `comment` above it."""
    return "\n".join([*_comment(comment, 0), *_mapping(content, 0)]) + "\n"


def documents(*contents: tuple[Mapping[str, Any], str]) -> str:
    """Return several documents of one file, each with its comment."""
    return "---\n".join(document(content, comment) for content, comment in contents)


def scalar(value: object) -> str:
    """Return a scalar on one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in _NOT_STRINGS
        return value if plain else _quoted(value)
    raise TypeError(f"a {type(value).__name__} is no scalar of YAML")


def _quoted(text: str) -> str:
    """Return the text in double quotes, in which YAML has all escapes of JSON, and `\\U`."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in quoted)


def _comment(text: str, depth: int) -> Iterator[str]:
    margin = f"{_INDENT * depth}# "
    for line in text.splitlines():
        line = "".join(char if char.isprintable() else "?" for char in line)
        yield from (f"{margin}{part}".rstrip() for part in _wrapped(line, _WIDTH - len(margin)))


def _wrapped(line: str, width: int) -> list[str]:
    """Wrap a line; a short one stays as it is, as its blanks may be a table's."""
    if len(line) <= width:
        return [line]
    return textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)


def _mapping(content: Mapping[str, Any], depth: int) -> Iterator[str]:
    for key, value in content.items():
        if isinstance(value, Noted):
            yield from _comment(value.comment, depth)
            value = value.value
        yield from _under(f"{_INDENT * depth}{scalar(key)}:", value, depth)


def _under(head: str, value: Any, depth: int) -> Iterator[str]:
    """Yield the lines of a value whose first line begins with `head`."""
    if isinstance(value, Mapping) and value:
        yield head
        yield from _mapping(value, depth + 1)
    elif isinstance(value, (list, tuple)) and value:
        yield head
        yield from _items(value, depth + 1)
    elif isinstance(value, str) and _is_block(value):
        yield f"{head} |"
        yield from (f"{_INDENT * (depth + 1)}{line}".rstrip() for line in value[:-1].split("\n"))
    else:
        yield f"{head} {_flow(value)}"


def _items(values: list[Any] | tuple[Any, ...], depth: int) -> Iterator[str]:
    margin = _INDENT * depth
    for value in values:
        if isinstance(value, Noted):
            yield from _comment(value.comment, depth)
            value = value.value
        if isinstance(value, (Mapping, list, tuple)) and value:
            lines = _mapping(value, depth + 1) if isinstance(value, Mapping) else _items(value, depth + 1)
            yield from _dashed(list(lines), depth)
        else:
            yield f"{margin}- {_flow(value)}"


def _dashed(lines: list[str], depth: int) -> Iterator[str]:
    """Yield an item of several lines; a comment at its beginning stays above the dash."""
    margin = _INDENT * depth
    first = next(number for number, line in enumerate(lines) if not line.lstrip().startswith("#"))
    yield from (margin + line.lstrip() for line in lines[:first])
    yield f"{margin}- {lines[first].lstrip()}"
    yield from lines[first + 1 :]


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{}"
    return "[]" if isinstance(value, (list, tuple)) else scalar(value)


def _is_block(text: str) -> bool:
    """Return whether a literal block is read back as `text`."""
    lines = text[:-1].split("\n")
    return (
        text.endswith("\n")
        and bool(lines[0].strip())
        and not lines[0].startswith(" ")
        and bool(lines[-1])
        and all(line.isprintable() and line == line.rstrip() for line in lines)
    )
