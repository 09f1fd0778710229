"""The failovers pane: phases and outage of each failover, percentiles, and a plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import DataTable, Static

from stanlocal.api import FTGroup
from stanlocal.history.charts import GLYPHS, cells, longest_ms
from stanlocal.history.failovers import PHASES, Failover, bridges
from stanlocal.outages.gaps import Gap, Side
from stanlocal.tui.widgets.live_table import Cells, LiveTable
from stanlocal.tui.widgets.pane import Pane, copy_command
from stanlocal.tui.widgets.probing import Probing
from stanlocal.util.format import ms
from stanlocal.util.percentile import percentile
from stanlocal.util.printable import width
from stanlocal.util.timestamps import rfc3339

_HEADS = ("#", "STARTED", "CAUSE", "FROM → TO", "READY", "OUTAGE", "PUB", "SUB", "PHASES")
_NAMES, _PHASES = 3, 8
"""Numbers of the columns whose width depends on the room."""
_BAR_WIDTH = 12
"""Width of the bars on 80 columns; they get all columns that a wider screen has, but for longer names."""
_SHORTEST = 7
"""Cells that two names, and the bars, get in any case."""
_PADDING = 2
"""Columns between two cells."""
_SCROLLBAR = 2
_ROOM_FOR_BOTH = 22
"""Least height in lines to show the plot below the table."""
_GAPS = 500
_NUMBERS = "ms: READY fault to ready, OUTAGE fault to first ack, PUB/SUB longest gap here"
"""Definitions of the columns, as one outage has several numbers."""


class FailoversPane(Pane):
    """A table of failovers with bars, percentiles and a plot; a probe times outages without other clients."""

    DEFAULT_CSS = """
    FailoversPane {
        height: 1fr;
        #failovers { height: 1fr; min-height: 3; }
        .line { height: auto; padding: 0 1; }
        #phases { background: $panel; }
        #plot { height: 1fr; min-height: 8; }
        #none { padding: 1 2; }
        #numbers { color: $text-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "o", "probe", "Probe", id="failovers.probe", tooltip="a client that times outages, on or off"
        ),
        Binding("v", "plot", "Plot", id="failovers.plot", tooltip="draw how long each failover took"),
        Binding("y", "copy", "Copy", id="failovers.copy", tooltip="copy the command that shows the same"),
    ]

    def __init__(self, group: FTGroup, *, read_only: bool = False) -> None:
        super().__init__()
        self.group = group
        self.read_only = read_only
        self._failovers: Sequence[Failover] = ()
        self._gaps: list[Gap] = []
        self._toggled = False
        """Whether the user has changed where the plot stands."""

    def compose(self) -> ComposeResult:
        probing = Probing(self.group)
        probing.display = not self.read_only
        yield probing
        yield Static(
            "no failover yet: kill the active node (a, then k), and the standby takes over", id="none"
        )
        yield LiveTable(*_HEADS, right=(0, 4, 5, 6, 7), id="failovers")
        plot = Vertical(id="plot")
        plot.can_focus = True  # its keys work where it replaces the table
        yield plot
        yield Static(id="phases", classes="line")
        yield Static(id="spread", classes="line")
        yield Static(_NUMBERS, id="numbers", classes="line")

    def on_mount(self) -> None:
        self._update()

    def on_resize(self) -> None:
        self._update()

    # Rows

    def show(self, failovers: Sequence[Failover]) -> None:
        """Take all known failovers, oldest first."""
        self._failovers = failovers
        self._update()

    def feel(self, gap: Gap) -> None:
        """Take a gap that a client of this interface felt."""
        self._gaps = [*self._gaps, gap][-_GAPS:]
        self._update()

    def _update(self) -> None:
        if not self.is_mounted:
            return
        found = self._failovers
        self.query_one("#none").display = not found
        for line in ("#phases", "#spread", "#numbers"):
            self.query_one(line).display = bool(found)
        longest = longest_ms(found)
        plain = [self._cells(number, each) for number, each in enumerate(found, 1)]
        names, bars = self._room(plain)
        rows: dict[str, Cells] = {
            rfc3339(each.ready_at): (
                *cells[:_NAMES],
                _pair(each, names),
                *cells[_NAMES + 1 :],
                _bar(each, longest, bars),
            )
            for each, cells in zip(found, plain, strict=True)
        }
        self.query_one("#failovers", LiveTable).show(rows, narrows=True)
        self._show_phases()
        self._show_spread()
        self._arrange()

    def _room(self, rows: Sequence[Sequence[str]]) -> tuple[int, int]:
        """Return the cells that two names may take, and those of a bar: the names give way first."""
        widths = [max(map(width, column)) for column in zip(_HEADS[:_PHASES], *rows, strict=True)]
        rest = self.size.width - _SCROLLBAR - sum(widths) + widths[_NAMES] - _PADDING * len(_HEADS)
        names = min(widths[_NAMES], max(_SHORTEST, rest - _BAR_WIDTH))
        wide = _BAR_WIDTH + max(0, self.size.width - 80)
        return names, max(_SHORTEST, min(wide, rest - names))

    def _cells(self, number: int, failover: Failover) -> Sequence[str]:
        """Return all cells of a row but the bar."""
        return (
            str(number),
            f"{failover.started_at.astimezone():%H:%M:%S}",
            failover.cause,
            _pair(failover),
            *(ms(duration) for duration in (failover.server_ms, failover.outage_ms)),
            *(ms(self._felt(failover, side)) for side in ("pub", "sub")),
        )

    def _felt(self, failover: Failover, side: Side) -> float | None:
        """Return the longest gap of the side's clients in the failover, in ms."""
        gaps = (gap.ms for gap in self._gaps if gap.side == side and bridges(gap.outage, failover))
        return max(gaps, default=None)

    @on(DataTable.RowHighlighted)
    def _show_phases(self) -> None:
        key = self.query_one("#failovers", LiveTable).current
        current = next((each for each in self._failovers if rfc3339(each.ready_at) == key), None)
        if current is not None:
            self.query_one("#phases", Static).update(_phases(current))

    def _show_spread(self) -> None:
        ready = [each.server_ms for each in self._failovers]
        outages = [each.outage_ms for each in self._failovers if each.outage_ms is not None]
        lines = [_spread("fault to ready", ready)]
        lines += [_spread("outage", outages)] if outages else []
        self.query_one("#spread", Static).update("\n".join(lines))

    # The plot

    def _arrange(self) -> None:
        """Show the plot below the table; on a low screen a key lets it replace the table."""
        low = self.size.height < _ROOM_FOR_BOTH
        plot = bool(self._failovers) and (self._toggled if low else not self._toggled)
        self.query_one("#plot").display = plot
        self.query_one("#failovers").display = not (low and plot)
        if plot:
            self._draw()

    def _draw(self) -> None:
        from stanlocal.tui.widgets.failover_plot import FailoverPlot

        place = self.query_one("#plot", Vertical)
        if not place.children:
            place.mount(FailoverPlot())
        place.query_one(FailoverPlot).show(self._failovers)

    def action_plot(self) -> None:
        """Replace the table by the plot, or hide the plot where both have room."""
        self._toggled = not self._toggled
        self._arrange()
        table = self.query_one("#failovers")
        (table if table.display else self.query_one("#plot")).focus()

    # The probe

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer no probe where nothing may be published."""
        return not (self.read_only and action == "probe")

    def action_probe(self) -> None:
        if not self.read_only:
            probing = self.query_one(Probing)
            probing.on = not probing.on

    def action_copy(self) -> None:
        """Copy the command that shows the same."""
        words = ["failovers", *(["--probe"] if self.query_one(Probing).on else [])]
        copy_command(self, self.command(words))


_STYLES = ("white", "yellow", "magenta", "green", "blue")
"""Styles of the phases in their order; their glyphs distinguish them without colours."""


def _pair(failover: Failover, room: int | None = None) -> str:
    """Return both names; in less room only their ends, which differ."""
    names, arrow = (failover.from_node, failover.to_node), " → "
    if room is not None and width(arrow.join(names)) > room:
        kept = max(2, (room - len(arrow)) // 2)
        return arrow.join(name if width(name) <= kept else f"…{name[1 - kept :]}" for name in names)
    return arrow.join(names)


def _bar(failover: Failover, longest: float, most: int) -> Text:
    """Draw the phases side by side; `longest` ms take `most` cells."""
    text = Text(no_wrap=True)
    for glyph, style, count in zip(GLYPHS, _STYLES, cells(failover, longest, most), strict=True):
        text.append(glyph * count, style)
    return text


def _phases(failover: Failover) -> Text:
    """Return the duration of each phase in ms, with its glyph in the bars."""
    text = Text()
    for glyph, style, phase in zip(GLYPHS, _STYLES, PHASES, strict=True):
        text.append(f"{glyph} ", style).append(f"{phase.replace('_', ' ')} ")
        text.append(f"{ms(failover.phases_ms[phase])}  ", "bold")
    text.rstrip()
    return text


def _spread(name: str, durations: Sequence[float]) -> str:
    """Return the common percentiles of the durations, after their name."""
    shares = (("p50", 50), ("p95", 95), ("max", 100))
    texts = (f"{what} {ms(percentile(durations, share)):>6}" for what, share in shares)
    return f"{name:<16}{'   '.join(texts)} ms"
