"""Text from outside, made safe for a terminal: every character that is not printable is escaped.

A terminal executes control characters: names and payloads that anyone may choose can clear it, change its
title, hide what follows or reorder it. Pure.
"""

from __future__ import annotations

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str, *, keep: str = "") -> str:
    """Return the text with each character that is not printable, nor in `keep`, escaped as Python does."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else escaped(c) for c in text)


def printable_bytes(data: bytes) -> str:
    """Return the bytes as text on one line: UTF-8, with everything else escaped."""
    return printable(data.decode("utf-8", "backslashreplace"))


def escaped(character: str) -> str:
    r"""Return a character as `\n`, `\x1b`, `\u202e` or `\U000e0001`."""
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def width(text: str) -> int:
    """Return the number of terminal cells that a printable text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(
        0 if combining(character) else 2 if east_asian_width(character) in "WF" else 1 for character in text
    )
