"""The plot of failovers and outages; imported only when there is something to draw."""

from __future__ import annotations

import math
from collections.abc import Sequence

from textual_plotext import PlotextPlot

from stanlocal.history.failovers import Failover

_DRAWN = 60
"""Limit of drawn failovers, the newest."""


class FailoverPlot(PlotextPlot):
    """A bar for each outage that a client felt, and a dot for the time until a node was ready."""

    def show(self, failovers: Sequence[Failover]) -> None:
        """Draw the failovers, numbered as in the table."""
        first = max(0, len(failovers) - _DRAWN)
        shown = [(number, each) for number, each in enumerate(failovers, 1) if number > first]
        felt = [(number, each.outage_ms) for number, each in shown if each.outage_ms is not None]
        self.plt.clear_figure()
        if felt:
            self.plt.bar(*zip(*felt, strict=True), width=0.4, marker="▒", color="blue")
        numbers = [float(number) for number, _ in shown]
        ready = [each.server_ms for _, each in shown]
        self.plt.scatter(numbers, ready, marker="●", color="green")
        self.plt.title("▒ outage   ● fault to ready   ms")  # a legend would cover the first bars
        self.plt.xticks(numbers[:: len(numbers) // 12 + 1])
        self.plt.xlim(first + 0.5, max(numbers) + 0.5)
        highest = max([*ready, *(outage for _, outage in felt)])
        step = 10 ** math.floor(math.log10(max(highest, 1)))
        self.plt.ylim(0, highest * 1.15)
        self.plt.yticks([float(tick) for tick in range(0, math.ceil(highest) + 1, max(1, step // 2))])
        self.refresh()
