"""`migrate relay`: follows the channels of a STAN server into streams while both are in use."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stanlocal.cli import columns, printing
from stanlocal.cli.context import Context, pass_context
from stanlocal.cli.metrics import Address, served
from stanlocal.cli.migrate_target import Target, target_of_migration
from stanlocal.cli.names_file import names_option, read_names
from stanlocal.cli.stan_server import Endpoint, StanServer, source_options
from stanlocal.cli.until_signal import run_until_signal
from stanlocal.util.format import counted
from stanlocal.util.tasks import beside

if TYPE_CHECKING:
    from stanlocal.migrate.relay.relay import Relay

_SHOWN_EVERY_S = 1.0


@click.command()
@click.argument("channels", nargs=-1, metavar="[CHANNEL]...")
@target_of_migration
@source_options
@names_option
@click.option("--once", is_flag=True, help="End once the streams have all that the channels have now.")
@click.option("--listen", type=Address(), metavar="HOST:PORT", help="Serve Prometheus metrics there.")
@pass_context
def relay(
    context: Context,
    channels: tuple[str, ...],
    target: Target,
    stan_server: StanServer,
    names: Path | None,
    once: bool,
    listen: tuple[str, int] | None,
) -> int:
    """Keep streams in step with their channels, with equal sequences, until Ctrl-C.

    Follows every channel whose stream a pack made, from the stream's last message on; a CHANNEL that is named
    gets a stream if it has none. The relay and both servers may be killed: it continues where the streams
    end, and no message is missing or twice.
    """
    from stanlocal.migrate.relay.relay import CLIENT_ID, Relay, stan_source

    access = target.access()
    chosen = read_names(names)

    async def work(endpoint: Endpoint) -> int:
        connect = stan_source(endpoint, stan_server.client_id or CLIENT_ID)
        working = Relay(
            connect, target.url, login=access, channels=channels, names=chosen, report=context.say
        )
        async with AsyncExitStack() as stack:
            if listen is not None:
                url = await stack.enter_async_context(served(listen, partial(_metrics, working)))
                context.say(f"metrics on {url}")
            async with beside(_report(context, working, once=once)):
                code = await run_until_signal(working.run(once=once))
        _show(context, working)
        return code

    with stan_server.endpoint() as endpoint:
        return asyncio.run(work(endpoint))


async def _report(context: Context, working: Relay, *, once: bool) -> None:
    """Say that the relay has begun, and from then on how far it is."""
    await working.begun()
    if context.json:
        context.print_json({"relaying": len(working.progress)}, stream=True)
    end = "" if once else "; Ctrl-C ends it"
    context.say(f"relaying {counted(len(working.progress), 'channel')}{end}")
    with context.progress() as report:
        said = ""
        while True:
            relayed = sum(each.relayed for each in working.progress)
            behind = sum(each.behind for each in working.progress)
            text = f"{counted(relayed, 'message')} relayed, {behind:,} behind"
            if text != said:
                report(said := text)
            await asyncio.sleep(_SHOWN_EVERY_S)


def _show(context: Context, working: Relay) -> None:
    documents = [each.document() for each in working.progress]
    if context.json:
        context.print_json({"interruptions": working.interruptions, "channels": documents}, stream=True)
        return
    fields = ("channel", "stream", "last_seq", "behind", "relayed")
    rows: list[tuple[Any, ...]] = [tuple(each[field] for field in fields) for each in documents]
    columns.show(("CHANNEL", "STREAM", "LAST SEQUENCE", "BEHIND", "RELAYED"), rows, right=(2, 3, 4))
    for each in documents:
        if each["lost"]:
            printing.echo(f"{each['channel']}: {each['lost']} messages were gone before they were relayed")


async def _metrics(working: Relay, accept: str) -> tuple[bytes, str]:
    from stanlocal.metrics.exposition import render
    from stanlocal.metrics.relay_metrics import RelayedChannel, families

    now = asyncio.get_running_loop().time()
    found = [
        RelayedChannel(
            each.channel,
            each.stream,
            channel_sequence=each.known,
            stream_sequence=each.last,
            relayed=each.relayed,
            repeated=each.repeated,
            lost=each.lost,
            restarts=each.restarts,
            waiting_s=0.0 if each.waiting_since is None else now - each.waiting_since,
        )
        for each in working.progress
    ]
    return render(families(working.connected, working.interruptions, found), accept)
