"""Failovers in few words and as bars of characters. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from stanlocal.history.charts import GLYPHS, cells
from stanlocal.history.failovers import PHASES, Failover, percentile
from stanlocal.util.format import ms

_STYLES = ("white", "yellow", "magenta", "green", "blue")
"""Of the phases, in their order; their glyphs tell them apart without colours."""


def label(failover: Failover) -> str:
    """What happened, and who took over."""
    return f"{failover.cause}: {failover.from_node} → {failover.to_node}"


def bar(failover: Failover, longest: float, width: int) -> Text:
    """Its phases side by side; `longest` ms take `width` cells."""
    text = Text(no_wrap=True)
    for glyph, style, count in zip(GLYPHS, _STYLES, cells(failover, longest, width), strict=True):
        text.append(glyph * count, style)
    return text


def phases(failover: Failover) -> Text:
    """How long each phase took, in ms, and what it is in the bars."""
    text = Text()
    for glyph, style, phase in zip(GLYPHS, _STYLES, PHASES, strict=True):
        text.append(f"{glyph} ", style).append(f"{phase.replace('_', ' ')} ")
        text.append(f"{ms(failover.phases_ms[phase])}  ", "bold")
    text.rstrip()
    return text


def spread(name: str, durations: Sequence[float]) -> str:
    """The percentiles that are asked for most, of that name."""
    shares = (("p50", 50), ("p95", 95), ("max", 100))
    told = (f"{what} {ms(percentile(durations, share)):>6}" for what, share in shares)
    return f"{name:<16}{'   '.join(told)} ms"
