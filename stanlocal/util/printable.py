"""Text from elsewhere, made fit for a terminal: whatever is not printable is shown escaped.

A terminal acts upon what it is sent: names and payloads that anyone may choose can clear it, change its
title, hide what follows or reorder it. Pure.
"""

from __future__ import annotations

import unicodedata

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str, *, keep: str = "") -> str:
    """The text with every character that is not printable escaped as Python does, but for those in `keep`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else escaped(c) for c in text)


def printable_bytes(data: bytes) -> str:
    """The bytes as text on one line: UTF-8, with everything else escaped."""
    return printable(data.decode("utf-8", "backslashreplace"))


def escaped(character: str) -> str:
    r"""A character as `\n`, `\x1b`, `\u202e` or `\U000e0001`."""
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def width(text: str) -> int:
    """How many cells of a terminal a printable text takes."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
