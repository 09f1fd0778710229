"""Figures as people read them. Pure."""

from __future__ import annotations


def size(count: float) -> str:
    """Bytes."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def ms(duration: float | None) -> str:
    """Milliseconds; a dash for what is not known."""
    if duration is None:
        return "-"
    return f"{duration:.1f}" if duration < 10 else f"{duration:,.0f}"


def counted(count: int, what: str) -> str:
    """So many of something: `1 failover`, `1,024 failovers`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
