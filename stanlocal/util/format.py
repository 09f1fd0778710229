"""Figures as people read them. Pure."""

from __future__ import annotations


def size(count: float) -> str:
    """Return a number of bytes in binary units, as `1.5 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def ms(duration: float | None) -> str:
    """Return milliseconds, with a decimal below 10; a dash for None, which means unknown."""
    if duration is None:
        return "-"
    return f"{duration:.1f}" if duration < 10 else f"{duration:,.0f}"


def counted(count: int, what: str) -> str:
    """Return a count with its noun, plural if needed: `1 failover`, `1,024 failovers`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
