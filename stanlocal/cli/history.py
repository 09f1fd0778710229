"""`logs` and `events`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from stanlocal.cli import printing, render
from stanlocal.cli.aio import run
from stanlocal.cli.context import Context, pass_context
from stanlocal.model.group_text import STYLES
from stanlocal.util.styled import Part, Styled

if TYPE_CHECKING:
    from stanlocal.group.core import Group
    from stanlocal.history.timeline import Event
    from stanlocal.logs.merge import NodeLine


_SECONDS = {"ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}


class Since(click.ParamType[datetime]):
    """A time (RFC 3339, in UTC if it names no zone) or a duration before now (`90s`, `5m`, `2h`, `1d`)."""

    name = "time"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        ago = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", value)
        if ago:
            try:
                return datetime.now(UTC) - timedelta(seconds=float(ago[1]) * _SECONDS[ago[2]])
            except OverflowError:
                self.fail(f"'{value}' is too long ago; give at most some hundred years", param, ctx)
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"'{value}' is not a time; give 10m, 2h or 2026-01-31T12:00:00Z", param, ctx)
        return time if time.tzinfo else time.replace(tzinfo=UTC)


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines, until Ctrl-C.")
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N lines of each node.")
@click.option("--since", type=Since(), metavar="T", help="Only lines since a time, or 10m.")
@click.option("--grep", metavar="RE", help="Only lines in which the pattern is found.")
@pass_context
def logs(
    context: Context,
    targets: tuple[str, ...],
    follow: bool,
    tail: int | None,
    since: datetime | None,
    grep: str | None,
) -> None:
    """Show the nodes' logs merged in time order, each line marked with its node and the node's state."""
    try:
        pattern = re.compile(grep) if grep else None
    except re.error as error:
        raise click.BadParameter(f"{grep!r} is not a pattern: {error}", param_hint="'--grep'") from error

    async def work() -> None:
        async with context.opened_core() as core:
            nodes = await _names(core, targets)
            printer = _LinePrinter(context, pattern)
            if not follow:
                printer.print(await core.logs(nodes, since=since, tail=tail))
                return
            async with aclosing(core.follow_logs(nodes, since=since, tail=tail)) as batches:
                async for batch in batches:
                    printer.print(batch)

    run(work())


async def _names(core: Group, targets: Sequence[str]) -> list[str] | None:
    if not targets:
        return None
    from stanlocal.model.targets import resolve

    look = await core.look()
    if not look.status.nodes:  # down: its saved logs are still there, by name or index
        from stanlocal.errors import NodeNotFound

        chosen = [
            node.name for node in look.plan.nodes if {node.name, str(node.index), "@all"} & set(targets)
        ]
        if not chosen:
            raise NodeNotFound(f"no node {', '.join(targets)} in '{core.name}', which is down")
        return chosen
    return [node.name for node in resolve(look.status, targets)]


class _LinePrinter:
    """Print lines, each with its node and the state that the node was in."""

    def __init__(self, context: Context, pattern: re.Pattern[str] | None) -> None:
        self._context = context
        self._pattern = pattern

    def print(self, lines: Sequence[NodeLine]) -> None:
        for entry in lines:
            if self._pattern is None or self._pattern.search(entry.line.text):
                if self._context.json:
                    self._context.print_json(_line_document(entry), stream=True)
                else:
                    printing.echo(*_line_parts(entry))


def _line_document(entry: NodeLine) -> dict[str, str | None]:
    from stanlocal.util.timestamps import rfc3339

    return {
        "time": rfc3339(entry.line.time),
        "node": entry.node,
        "state": entry.state,
        "level": entry.line.level,
        "message": entry.line.message,
    }


def _line_parts(entry: NodeLine) -> Iterator[Part]:
    state = entry.state or "-"
    colour = render.NODE_COLOURS[sum(entry.node.encode()) % len(render.NODE_COLOURS)]
    yield Styled(f"{entry.node} ", colour)
    yield Styled(f"{state:<10} ", STYLES.get(state, ""))
    yield Styled(entry.line.text, "bold" if entry.line.event else "")


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Show new events too, until Ctrl-C.")
@pass_context
def events(context: Context, follow: bool) -> None:
    """Show what happened: states, faults, failovers, locks, problems."""

    async def work() -> None:
        async with context.opened_core() as core:
            if not follow:
                for event in await core.events():
                    print_event(context, event)
                return
            async with aclosing(core.follow_events()) as stream:
                async for event in stream:
                    print_event(context, event)

    run(work())


def print_event(context: Context, event: Event) -> None:
    """Print one event, as a JSON line or a line for people."""
    if context.json:
        context.print_json(event.document(), stream=True)
        return
    from stanlocal.history.timeline import as_line

    printing.echo(as_line(event))
