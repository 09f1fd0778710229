"""Sizes, durations and names, in the server's notation.

They follow what nats-streaming-server 0.25.6 accepts: sizes as its configuration parser reads them
(nats-server conf/parse.go: ``k`` is 1000, ``kb``, ``ki`` and ``kib`` are 1024), durations as Go's
`time.ParseDuration` does. Parsers raise `ValueError` with the reason.
"""

from __future__ import annotations

import re
from decimal import Decimal

from stanlocal.util.integers import INT64_MAX

_POWERS = {letter: power for power, letter in enumerate("kmgtpe", start=1)}
_SIZE = re.compile(
    r"(?P<number>-?[0-9]{1,19})\s*(?:(?P<letter>[kmgtpe])(?P<binary>b|i|ib)?|b)?", re.IGNORECASE
)

_UNITS_NS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_UNIT = "|".join(sorted(_UNITS_NS, key=len, reverse=True))
_DURATION = re.compile(rf"(?P<sign>[-+]?)(?P<parts>0|(?:{_NUMBER}(?:{_UNIT}))+)")
_PART = re.compile(rf"({_NUMBER})({_UNIT})")
_LONGEST_TEXT = 100


def parse_size(text: str) -> int:
    """Parse a size to bytes: `"512mb"`, `"64k"`, `"1048576"`."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError("is not a size such as 1048576, 64kb, 512mb or 10gb")
    size = int(match["number"])
    if match["letter"]:
        size *= (1024 if match["binary"] else 1000) ** _POWERS[match["letter"].lower()]
    if abs(size) > INT64_MAX:
        raise ValueError("is more than the server can count")
    return size


def format_size(size: int) -> str:
    """Return the shortest exact spelling that both `parse_size` and the server read: `512mb`, `1000`."""
    for power in range(6, 0, -1):
        if size and size % 1024**power == 0:
            return f"{size // 1024**power}{'kmgtpe'[power - 1]}b"
    return str(size)


def parse_duration(text: str) -> int:
    """Parse a duration to nanoseconds: `"250ms"`, `"1h30m"`, `"0"`. The longest unit is the hour."""
    if len(text) > _LONGEST_TEXT or (match := _DURATION.fullmatch(text.strip())) is None:
        raise ValueError("is not a duration such as 250ms, 10s, 5m or 1h30m")
    total = sum(Decimal(number) * _UNITS_NS[unit] for number, unit in _PART.findall(match["parts"]))
    if total > INT64_MAX:
        raise ValueError("is longer than the 292 years that the server can count")
    return -int(total) if match["sign"] == "-" else int(total)


def format_duration(nanoseconds: int) -> str:
    """Return the shortest exact spelling with one unit: `90s`, `1h`, `0s`."""
    for unit in ("h", "m", "s", "ms", "us"):
        if nanoseconds and nanoseconds % _UNITS_NS[unit] == 0:
            return f"{nanoseconds // _UNITS_NS[unit]}{unit}"
    return f"{nanoseconds}ns" if nanoseconds else "0s"


def is_unicode(text: str) -> bool:
    """Return whether `text` has a UTF-8 form; undecodable bytes of the environment have none."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def spellable_key(key: str) -> bool:
    """Return whether the server's configuration can spell the name: in quotes, without escapes."""
    return key.isprintable() and not ('"' in key and "'" in key)
