"""`channels`, `clients`, `subscriptions`: what the active node's monitor reports."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stanlocal.cli import columns, printing
from stanlocal.cli.aio import run
from stanlocal.cli.context import Context, pass_context
from stanlocal.util import format

if TYPE_CHECKING:
    from stanlocal.model.plan import Monitor

_TIMEOUT_S = 5.0
_F = TypeVar("_F", bound=Callable[..., Any])
_Document = dict[str, Any]


def _options(sorts: Sequence[str]) -> Callable[[_F], _F]:
    def add(command: _F) -> _F:
        for option in (
            click.option(
                "--interval", type=click.FloatRange(0.1), default=1.0, help="Seconds between looks (1)."
            ),
            click.option("--watch", is_flag=True, help="Show it again and again, with rates, until Ctrl-C."),
            click.option(
                "--sort", type=click.Choice(sorts), default=sorts[0], help="Figures: largest first."
            ),
            click.argument("pattern", default="*", metavar="[GLOB]"),
        ):
            command = option(command)
        return command

    return add


@click.command()
@_options(("name", "msgs", "bytes", "last_seq", "subs_count", "pending", "backlog"))
@pass_context
def channels(context: Context, pattern: str, sort: str, watch: bool, interval: float) -> None:
    """Show the channels whose name matches GLOB, and durables without a reader."""

    async def look(url: Monitor) -> list[_Document]:
        from stanlocal.monitor import documents, pages

        found = await pages.channels(url, _TIMEOUT_S)
        return documents.ordered(
            documents.select(documents.channel_documents(found), "name", pattern), sort, "name"
        )

    _run(context, "channels", look, _channels_table, watch=interval if watch else None)


@click.command()
@_options(("id", "subs_count", "pending", "stalled"))
@pass_context
def clients(context: Context, pattern: str, sort: str, watch: bool, interval: float) -> None:
    """Show the connected clients whose id matches GLOB."""

    async def look(url: Monitor) -> list[_Document]:
        from stanlocal.monitor import documents, pages

        found = await pages.clients(url, _TIMEOUT_S)
        return documents.ordered(
            documents.select(documents.client_documents(found), "id", pattern), sort, "id"
        )

    _run(context, "clients", look, _clients_table, watch=interval if watch else None)


@click.command()
@_options(("channel", "client_id", "pending_count", "backlog", "last_sent"))
@pass_context
def subscriptions(context: Context, pattern: str, sort: str, watch: bool, interval: float) -> None:
    """Show the subscriptions of channels whose name matches GLOB; offline durables too."""

    async def look(url: Monitor) -> list[_Document]:
        from stanlocal.monitor import documents, pages

        found = documents.select(await pages.channels(url, _TIMEOUT_S), "name", pattern)
        return documents.ordered(documents.subscription_documents(found), sort, "channel")

    _run(context, "subscriptions", look, _subscriptions_table, watch=interval if watch else None)


def _run(
    context: Context,
    key: str,
    look: Callable[[Monitor], Coroutine[Any, Any, list[_Document]]],
    show: Callable[[Sequence[_Document]], None],
    *,
    watch: float | None,
) -> None:
    async def work() -> None:
        monitors, url = await _find(context)
        if watch is None:
            documents = await look(url)
            if context.json:
                context.print_json({key: documents})
            else:
                show(documents)
            return
        await _watch(context, monitors, key, look, show, watch)

    run(work())


async def _find(context: Context) -> tuple[Sequence[tuple[str, Monitor]], Monitor]:
    """Return the nodes' monitors, and the active one's.

    The plan in the group's folder names them; only if that leads to no active node, the engine is asked.
    """
    from stanlocal.errors import NodeNotFound
    from stanlocal.group.home import GroupHome
    from stanlocal.machine.user_dirs import group_folder
    from stanlocal.monitor.pages import find_active

    settings = context.settings()
    saved = None
    if settings.engine != "kubernetes":  # a group of that name on a cluster is another one
        saved = GroupHome(group_folder(settings.group)).load_plan()
    if saved is not None:
        monitors = [(node.name, saved.monitor(node)) for node in saved.nodes]
        with suppress(NodeNotFound):
            return monitors, (await find_active(monitors))[1]
    async with context.opened_core() as core:
        plan, _ = await core.find()
    monitors = [(node.name, core.engine.monitor(plan, node)) for node in plan.nodes]
    return monitors, (await find_active(monitors))[1]


async def _watch(
    context: Context,
    monitors: Sequence[tuple[str, Monitor]],
    key: str,
    look: Callable[[Monitor], Coroutine[Any, Any, list[_Document]]],
    show: Callable[[Sequence[_Document]], None],
    interval: float,
) -> None:
    """Print the active node's view each `interval` seconds; a failover is one line."""
    from stanlocal.errors import MonitorError, NodeNotFound
    from stanlocal.monitor import pages
    from stanlocal.outages.message_rates import Sample, rates, sample

    before: Sample | None = None
    while True:
        try:
            node, url = await pages.find_active(monitors)
            documents = await look(url)
            now = sample(
                time.monotonic(), await pages.channels(url, _TIMEOUT_S), await pages.server(url, _TIMEOUT_S)
            )
        except (MonitorError, NodeNotFound) as error:
            context.say(str(error))
            before = None
        else:
            since, before = before, now
            change = rates(since, now) if since is not None else None
            for document in documents:
                name = document.get("channel", document.get("name"))
                if change is not None and name in change.published:
                    document["in_rate"] = round(change.published[name], 1)
                    document["out_rate"] = round(change.delivered[name], 1)
            redelivered = round(change.redelivered, 1) if change is not None else None
            if context.json:
                printed = {key: documents, "active": node, "redelivered_rate": redelivered}
                context.print_json(printed, stream=True)
            else:
                printing.clear()
                show(documents)
                again = "-" if redelivered is None else f"{redelivered:g}/s"
                printing.echo(f"{node} is active; redelivered on all channels: {again}")
        await asyncio.sleep(interval)


def _rates(documents: Sequence[_Document]) -> tuple[str, ...]:
    return ("IN/S", "OUT/S") if any("in_rate" in document for document in documents) else ()


def _channels_table(documents: Sequence[_Document]) -> None:
    with_rates = _rates(documents)
    heads = ("CHANNEL", "MSGS", "BYTES", "FIRST", "LAST", "SUBS", "PENDING", "BEHIND", "STALLED", *with_rates)
    rows = [
        (
            each["name"],
            each.get("msgs", 0),
            format.size(each.get("bytes", 0)),
            each.get("first_seq", 0),
            each.get("last_seq", 0),
            each.get("subs_count", 0),
            each["pending"],
            each["backlog"],
            each["stalled"],
            *((each.get("in_rate", "-"), each.get("out_rate", "-")) if with_rates else ()),
        )
        for each in documents
    ]
    columns.show(heads, rows, right=range(1, len(heads)))
    for each in documents:
        for name in each["unread_durables"]:
            printing.echo(f"no subscriber reads the durable {name} of {each['name']}")


def _clients_table(documents: Sequence[_Document]) -> None:
    rows = [
        (each["id"], each.get("subs_count", 0), each["pending"], each["stalled"], _channel_names(each))
        for each in documents
    ]
    columns.show(("CLIENT", "SUBS", "PENDING", "STALLED", "CHANNELS"), rows, right=(1, 2, 3))


def _channel_names(client: _Document) -> str:
    names = sorted(client.get("subscriptions") or {})
    return ", ".join(names[:4]) + (f", … ({len(names)})" if len(names) > 4 else "")


def _subscriptions_table(documents: Sequence[_Document]) -> None:
    from stanlocal.monitor.documents import split_queue

    with_rates = _rates(documents)
    heads = ("CHANNEL", "CLIENT", "DURABLE", "QUEUE", "STATE", "SENT", "PENDING", "BEHIND", *with_rates)
    rows = []
    for each in documents:
        durable, queue = split_queue(each)
        state = "offline" if each.get("is_offline") else "stalled" if each.get("is_stalled") else "online"
        row = (each["channel"], each.get("client_id") or "-", durable or "-", queue or "-", state)
        figures = (each.get("last_sent", 0), each.get("pending_count", 0), each["backlog"])
        rates = (each.get("in_rate", "-"), each.get("out_rate", "-")) if with_rates else ()
        rows.append((*row, *figures, *rates))
    columns.show(heads, rows, right=range(5, len(heads)))
