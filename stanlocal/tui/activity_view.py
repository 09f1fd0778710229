"""The group's messages a second and its last failovers, as short lines. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from textual.content import Content

from stanlocal.group.resources import Counts, Resources
from stanlocal.history.charts import GLYPHS, cells, longest_ms
from stanlocal.history.failovers import Failover
from stanlocal.tui.node_view import SAMPLES, spark
from stanlocal.util.format import ms

_SPARK, _BAR = 16, 10
"""Width of the sparks and of the bars, in cells."""
_LEAST_TOP = 10.0
"""Messages a second at which a spark is full height, unless there were more."""
MOST_FAILOVERS = 12


class Throughput:
    """The messages a second that the group stored and sent, between measurements of whichever node serves."""

    def __init__(self) -> None:
        self._before: tuple[str, Counts] | None = None
        self.stored: deque[float] = deque(maxlen=SAMPLES)
        self.sent: deque[float] = deque(maxlen=SAMPLES)

    def learn(self, resources: Mapping[str, Resources]) -> None:
        """Take the newest measurements; without a node that serves, nothing is stored or sent."""
        now = next(((name, each.counts) for name, each in resources.items() if each.counts), None)
        before, self._before = self._before, now
        rates = (0.0, 0.0)
        if now is not None and before is not None and now[0] == before[0]:
            seconds = (now[1].at - before[1].at).total_seconds()
            if seconds <= 0:
                return
            rates = (
                max(now[1].stored - before[1].stored, 0) / seconds,
                max(now[1].sent - before[1].sent, 0) / seconds,
            )
        self.stored.append(rates[0])
        self.sent.append(rates[1])


def rates(throughput: Throughput) -> Content:
    """Return a line for what is stored, and one for what is sent, each with its past."""
    return Content("\n").join(
        [_rate("stored", throughput.stored), _rate("sent", throughput.sent)],
    )


def _rate(name: str, past: Sequence[float]) -> Content:
    value = past[-1] if past else 0.0
    bars = spark(list(past), _SPARK, least_top=_LEAST_TOP)
    return Content.styled(f"{name:<8}", "$foreground 65%") + Content(f"{bars} {value:>7,.0f}/s")


def last_failovers(failovers: Sequence[Failover], most: int) -> Content:
    """Return a line for each of the last failovers, the newest first: time, cause, ms until ready, bar."""
    shown = [*reversed(failovers[-most:])] if most > 0 else []
    longest = longest_ms(shown)
    return Content("\n").join(_failover(each, longest) for each in shown)


def _failover(failover: Failover, longest: float) -> Content:
    counts = zip(GLYPHS, cells(failover, longest, _BAR), strict=True)
    bar = "".join(glyph * count for glyph, count in counts)
    cause = failover.cause[:7]
    return Content(
        f"{failover.started_at.astimezone():%H:%M:%S} {cause:<7} {ms(failover.server_ms):>6} {bar}"
    )
