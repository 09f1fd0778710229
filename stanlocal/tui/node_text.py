"""A node's card as text: tall for a column of cards, or one line. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from stanlocal.tui.node_view import NodeView
from stanlocal.tui.words import STYLES

_BARS = "▁▂▃▄▅▆▇█"
_SPARK_WIDE, _SPARK_NARROW = 18, 4
_MIB = 1 << 20


def spark(values: Sequence[float], width: int, *, least_top: float) -> str:
    """The last `width` values as bars, from 0 up to the highest of them or `least_top`."""
    shown = values[-width:]
    top = max(least_top, *shown, least_top)
    bars = "".join(_BARS[min(len(_BARS) - 1, int(value / top * len(_BARS)))] for value in shown)
    return bars.rjust(width)


def card(view: NodeView) -> Content:
    """What stands below the node's name."""
    lines = [_state(view)]
    if view.client:
        lines += [_row("clients", Content(view.client)), _row("monitor", Content(view.monitor))]
    if view.runs:
        lines += [
            _row("carries", _links(view)),
            _row("cpu", _cpu(view, _SPARK_WIDE)),
            _row("memory", _memory(view, _SPARK_WIDE)),
        ]
    if view.problem:
        lines.append(Content.styled(view.problem, "$text-error"))
    return Content("\n").join(lines)


def line(view: NodeView) -> Content:
    """Everything but the problem in 79 columns, for a name of up to 8."""
    flags = " ".join(view.flags).upper()
    since = f"{view.since.astimezone():%H:%M:%S}" if view.since else ""
    parts = [
        Content(f"{view.name:<8}"),
        Content.styled(f"{view.state:<10}", STYLES[view.state]),
        Content.styled("lock" if view.holds_lock else "    ", "bold $text-accent"),
        Content.styled(f"{flags:<8}", "bold reverse $text-warning") if flags else Content(f"{since:<8}"),
        Content(f"{_port(view.client)} {_port(view.monitor)}"),
    ]
    if view.runs:
        connections = "?" if view.connections is None else view.connections
        parts += [
            Content("routes ") + _routes(view),
            Content(f"{connections} conn"),
            _cpu(view, _SPARK_NARROW),
            _memory(view, 0),
        ]
    return Content(" ").join(parts)


def _state(view: NodeView) -> Content:
    parts = [Content.styled(view.state, STYLES[view.state])]
    if view.since is not None:
        parts.append(Content(f"since {view.since.astimezone():%H:%M:%S}"))
    if view.flags:
        parts.append(Content.styled(" ".join(view.flags).upper(), "bold reverse $text-warning"))
    return Content(" ").join(parts)


def _row(name: str, value: Content) -> Content:
    return Content.styled(f"{name:<8}", "$foreground 65%") + value


def _links(view: NodeView) -> Content:
    if view.connections is None:
        return Content("?")
    return Content.assemble(
        f"{view.connections} connection{'' if view.connections == 1 else 's'}, routes ", _routes(view)
    )


def _routes(view: NodeView) -> Content:
    if view.routes is None:
        return Content("?")
    fewer = view.routes < view.routes_wanted
    return Content.styled(f"{view.routes}/{view.routes_wanted}", "bold $text-warning" if fewer else "")


def _cpu(view: NodeView, width: int) -> Content:
    if not view.cpu:
        return Content("")
    return Content(f"{spark(view.cpu, width, least_top=0.25)} {view.cpu[-1]:>4.0%}")


def _memory(view: NodeView, width: int) -> Content:
    if not view.memory:
        return Content("")
    bars = f"{spark(view.memory, width, least_top=1)} " if width else ""
    return Content(f"{bars}{view.memory[-1] / _MIB:.0f} MiB" if width else f"{view.memory[-1] / _MIB:.0f}M")


def _port(address: str) -> str:
    return f":{address.rpartition(':')[2]}" if address else ""
