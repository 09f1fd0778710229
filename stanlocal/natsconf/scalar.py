"""Values that begin with a digit or a minus sign: numbers with units, times, addresses, words."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from stanlocal.natsconf.scan import Scanner
from stanlocal.util.integers import INT64_MAX

_END = r"[\n\r}; ,\t]|\Z"
_COMMENT = r"#|//"
"""Comment that may directly follow a number with a point; after other numbers it makes them words."""
_INTEGER = re.compile(rf"(-?[0-9]+)(?:([kmgtpe])([bi]*))?(?={_END})", re.IGNORECASE)
_FLOAT = re.compile(rf"-?[0-9]+\.[0-9]+(?={_END}|{_COMMENT})")
_GLUED = re.compile(r"[0-9]+[kmgtpe][bi]*[0-9]", re.IGNORECASE)
_ADDRESS = re.compile(r"[0-9]+\.[0-9]+\.[0-9.:-]*")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_WORD = re.compile(r"[^\n\r\t ;,\]}']*")
_UNITS = {"": 1000, "b": 1024, "i": 1024, "ib": 1024}
_LONGEST = 19


def scalar(text: Scanner) -> str | int | float | datetime | None:
    """Read the value at the position; return None for a word that merely begins with a digit."""
    for read in (_time, _float, _integer, _address):
        value = read(text)
        if value is not None:
            return value
    word = text.text[text.at : text.at + _LONGEST]
    if word.startswith("-") or re.match(r"[0-9]+[.-]", word):
        raise text.error("that is no number, no time such as 2006-01-02T15:04:05Z and no address")
    if _GLUED.match(word):
        raise text.error("that begins like a size; write a duration such as 5m10s in quotes")
    if re.match(r"[0-9]+([kmgtpe][bi]*)?\]", word, re.IGNORECASE):
        raise text.error("a number needs a blank or a new line before ']': the server would read on")
    return None


def _time(text: Scanner) -> datetime | None:
    start = text.at
    found = text.match(_TIME)
    if not found:
        return None
    try:
        return datetime.strptime(found, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise text.error(f"{found} is no time", start) from None


def _float(text: Scanner) -> float | None:
    start = text.at
    found = text.match(_FLOAT)
    if not found:
        return None
    number = float(found)
    if not math.isfinite(number):
        raise text.error("the number is larger than the server can count", start)
    return number


def _integer(text: Scanner) -> int | None:
    found = _INTEGER.match(text.text, text.at)
    if found is None:
        return None
    start, text.at = text.at, found.end()
    digits, letter, rest = found[1], found[2], (found[3] or "").lower()
    if len(digits.lstrip("-0")) > _LONGEST:
        raise text.error("the number is larger than the server can count", start)
    number = int(digits)
    if letter:
        if rest not in _UNITS:
            raise text.error(f"there is no unit {letter + rest!r}; write k, kb, m, mb, g, gb, …", start)
        number *= int(_UNITS[rest] ** ("kmgtpe".index(letter.lower()) + 1))
    if abs(number) > INT64_MAX:
        raise text.error("the number is larger than the server can count", start)
    return number


def _address(text: Scanner) -> str | None:
    return text.match(_ADDRESS) or None
