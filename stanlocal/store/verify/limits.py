"""The messages on disk that the server keeps under a channel's limits.

Messages beyond a limit stay in their slice until all of it can go; at its next start the server counts
them in, and drops them again (stores/filestore.go: enforceLimits, expireMsgs). Settings are those of
`store_limits`, in the server's names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stanlocal.errors import SettingsError
from stanlocal.settings.values import parse_duration, parse_size
from stanlocal.store.format import index
from stanlocal.store.format.crc import INDEX_BYTES
from stanlocal.store.format.files import opened_file
from stanlocal.store.format.index import Entry
from stanlocal.store.format.slices import SliceFiles, SliceSummary


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one channel; 0 is unlimited."""

    max_msgs: int = 0
    max_bytes: int = 0
    max_age: int = 0
    """Nanoseconds."""
    max_subs: int = 0
    max_inactivity: int = 0
    """Nanoseconds without a message and a subscription after which the server deletes the channel."""

    @property
    def drop_messages(self) -> bool:
        """True if the server drops messages because of them."""
        return bool(self.max_msgs or self.max_bytes or self.max_age)


@dataclass(frozen=True, slots=True)
class Kept:
    """The messages of a channel that the server shows."""

    msgs: int
    bytes: int
    first_seq: int
    last_seq: int

    def document(self) -> dict[str, int]:
        return {
            "msgs": self.msgs,
            "bytes": self.bytes,
            "first_seq": self.first_seq,
            "last_seq": self.last_seq,
        }


def limits_of(store_limits: Mapping[str, Any], channel: str) -> Limits:
    """Return the limits of a channel: those for all, for patterns that match it, for itself; widest first.

    Raises `SettingsError` for a limit that is not a number, size or duration.
    """
    parse: Mapping[str, Callable[[str], int]] = {
        "max_msgs": int,
        "max_bytes": parse_size,
        "max_age": parse_duration,
        "max_subs": int,
        "max_inactivity": parse_duration,
    }
    effective = {name: store_limits.get(name, 0) for name in parse}
    per_channel: Mapping[str, Mapping[str, Any]] = store_limits.get("channels", {})
    for pattern in sorted(filter(lambda each: matches(each, channel), per_channel), key=_breadth):
        effective |= {name: value for name, value in per_channel[pattern].items() if name in effective}
    return Limits(**{name: max(_number(name, value, parse[name]), 0) for name, value in effective.items()})


def _number(name: str, value: Any, parse: Callable[[str], int]) -> int:
    try:
        return parse(value) if isinstance(value, str) else int(value)
    except (ValueError, OverflowError, TypeError) as error:
        raise SettingsError(
            [f"{name} is {str(value)[:40]!a}; give a number, a size or a duration"]
        ) from error


def matches(pattern: str, channel: str) -> bool:
    """Return whether the pattern matches: `*` stands for one part between dots, `>` for the rest."""
    parts, names = pattern.split("."), channel.split(".")
    if parts[-1] == ">":
        parts, names = parts[:-1], names[: len(parts) - 1] if len(names) >= len(parts) else []
        if not names and parts:
            return False
    return len(parts) == len(names) and all(
        part in ("*", name) for part, name in zip(parts, names, strict=True)
    )


def _breadth(pattern: str) -> list[int]:
    """Return a sort key that puts wide patterns before narrow ones."""
    return [{">": 0, "*": 1}.get(part, 2) for part in pattern.split(".")]


def kept(
    store: Path, slices: Sequence[tuple[SliceFiles, SliceSummary]], limits: Limits, now: int
) -> Kept | None:
    """Return the messages of these slices that the server shows at the time `now` (ns).

    Returns None when a slice has no usable index. Raises `OSError` as `summarize` does.
    """
    full = [(files, summary) for files, summary in slices if summary.messages]
    if not full:
        return Kept(0, 0, 0, 0)
    total = sum(summary.messages for _, summary in full)
    view = _View(store, full)
    drop = max(total - limits.max_msgs, 0) if limits.max_msgs else 0
    try:
        if limits.max_bytes:
            drop = _first(drop, total - 1, lambda number: view.bytes_from(number) <= limits.max_bytes)
        if limits.max_age:
            oldest = now - limits.max_age
            drop = _first(drop, total, lambda number: view.entry(number)[1].timestamp > oldest)
        if drop == total:
            return Kept(0, 0, 0, 0)
        first = view.entry(drop)[1].sequence
        size = view.bytes_from(drop)
    except ValueError:
        return None
    last = full[-1][1].last
    assert last is not None
    return Kept(total - drop, size, first, last.sequence)


class _View:
    """The messages of several slices, numbered from 0."""

    def __init__(self, store: Path, slices: Sequence[tuple[SliceFiles, SliceSummary]]) -> None:
        self.store = store
        self.slices = slices

    def entry(self, number: int) -> tuple[int, Entry]:
        """Return the slice's place in the list, and the entry; raises `ValueError` without such an entry."""
        for place, (files, summary) in enumerate(self.slices):
            if number < summary.messages:
                if files.index is None:
                    raise ValueError("no index")
                with opened_file(self.store, files.index) as file:
                    found = index.read_entry(file, number)
                if found is None:
                    raise ValueError("a damaged entry")
                return place, found
            number -= summary.messages
        raise ValueError("no such entry")

    def bytes_from(self, number: int) -> int:
        """Return the bytes that the messages from `number` on count for."""
        place, first = self.entry(number)
        before = sum(summary.messages for _, summary in self.slices[:place])
        own = self.slices[place][1]
        assert own.last is not None
        size = own.last.end - first.offset + (own.messages - (number - before)) * INDEX_BYTES
        return size + sum(summary.bytes for _, summary in self.slices[place + 1 :])


def _first(low: int, high: int, holds: Any) -> int:
    """Return the smallest number from `low` on for which `holds` is true; `high` when there is none."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
