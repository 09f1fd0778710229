"""Inputs with something wrong in them: bytes and JSON documents, changed by a seeded random generator."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

_STRANGE: list[Any] = [
    None, True, False, 0, -1, 1, 5, 2**31, 2**63, 2**64, -(2**63), 10**400, 0.5, -1.5, 1e308,
    float("inf"), float("nan"),
    "", "x", "\x1b[2J", "\ud800", "a\nb", "x" * 3000, "0", "9" * 5000,
    "2200-01-01T00:00:00Z", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00+23:59",
    [], [[]], [None], [1, "x"], ["x"], [{}], {}, {"": None}, {"a": 1}, {"a": {"b": []}}, {"x": [1]},
]  # fmt: skip
"""Values that are seldom expected."""


def mutated(data: bytes, dice: Random) -> bytes:
    """The bytes with one to four small changes."""
    for _ in range(dice.randint(1, 4)):
        if not data:
            return dice.randbytes(dice.randint(0, 40))
        at = dice.randrange(len(data))
        size = min(dice.choice((1, 1, 2, 4, 8, 32)), len(data) - at)
        match dice.randrange(6):
            case 0:
                data = data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :]
            case 1:
                data = data[:at] + data[at + size :]
            case 2:
                data = (
                    data[:at]
                    + dice.choice((bytes(size), b"\xff" * size, dice.randbytes(size)))
                    + data[at + size :]
                )
            case 3:
                data = data[: at + size] + data[at:]
            case 4:
                data = data[:at] + dice.randbytes(size) + data[at:]
            case _:
                data = data[:at]
    return data


def mutated_text(text: str, dice: Random) -> str:
    """The text with one to four small changes."""
    strange = "\0\t\n\r \"'\\#%&*?|-<>=!,:;.[]{}()$@`~/0129eEx_é\u2028\ufeff"
    for _ in range(dice.randint(1, 4)):
        at, other = dice.randrange(len(text) + 1), dice.randrange(len(text) + 1)
        size = dice.choice((1, 2, 5, 30))
        match dice.randrange(4):
            case 0:
                text = text[:at] + text[at + size :]
            case 1:
                text = text[:at] + dice.choice(strange) * dice.choice((1, 1, 1, 2, 100)) + text[at:]
            case 2:
                text = text[:at] + text[other : other + size] + text[at:]
            case _:
                text = text[:at] + dice.choice(strange) + text[at + 1 :]
    return text


def mutated_document(document: Any, dice: Random) -> Any:
    """A copy of a JSON document with a value replaced, removed or added in one to three places."""
    document = copy.deepcopy(document)
    for _ in range(dice.randint(1, 3)):
        places = list(_places(document))
        if not places:
            return _strange(dice)
        holder, key = dice.choice(places)
        if dice.random() < 0.15:
            del holder[key]
        elif dice.random() < 0.1 and isinstance(holder, dict):
            holder[f"{key}x"] = _strange(dice)
        else:
            holder[key] = _strange(dice)
    return document


def _strange(dice: Random) -> Any:
    """A value that is seldom expected; a copy, as what it is put into may be changed again."""
    return copy.deepcopy(dice.choice(_STRANGE))


def _places(document: Any) -> Any:
    """Each list or table with each of its keys, at any depth."""
    items = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document)
        if isinstance(document, list)
        else ()
    )
    for key, value in list(items):
        yield document, key
        yield from _places(value)
