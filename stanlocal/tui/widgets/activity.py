"""The lower half of the left column on wide screens: the group's throughput and its last failovers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.content import Content
from textual.widgets import Static

from stanlocal.group.resources import Resources
from stanlocal.history.failovers import Failover
from stanlocal.tui.activity_view import MOST_FAILOVERS, Throughput, last_failovers, rates

_ABOVE_FAILOVERS = 4
"""Lines above the failovers."""


class Activity(Static):
    """Messages a second with their past, and the last failovers as bars, as far as there is room."""

    DEFAULT_CSS = """
    Activity { height: 1fr; padding: 0 2; margin-top: 1; display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._throughput = Throughput()
        self._failovers: Sequence[Failover] = ()

    def on_resize(self) -> None:
        self._update()

    def learn_resources(self, resources: Mapping[str, Resources]) -> None:
        """Take the newest measurements of the running nodes."""
        self._throughput.learn(resources)
        self._update()

    def show_failovers(self, failovers: Sequence[Failover]) -> None:
        """Take all known failovers, oldest first."""
        self._failovers = failovers
        self._update()

    def _update(self) -> None:
        parts = [
            Content.styled("messages", "bold"),
            rates(self._throughput),
        ]
        room = min(self.size.height - _ABOVE_FAILOVERS - 1, MOST_FAILOVERS)
        if self._failovers and room > 0:
            parts += [
                Content(),
                Content.styled("last failovers", "bold") + Content(", ms to ready"),
                last_failovers(self._failovers, room),
            ]
        self.update(Content("\n").join(parts), layout=False)
