"""`bench`: throughput and latencies through the group or any STAN server."""

from __future__ import annotations

import asyncio

import click

from stanlocal.cli import printing
from stanlocal.cli.context import Context, pass_context
from stanlocal.cli.stan_server import StanServer, made_up_id, server_options


@click.command()
@click.argument("channel")
@click.option("--pubs", type=click.IntRange(0), default=1, show_default=True, help="Publishing clients.")
@click.option("--subs", type=click.IntRange(0), default=0, show_default=True, help="Subscribing clients.")
@click.option("--count", type=click.IntRange(1), default=100_000, show_default=True, help="Messages in all.")
@click.option("--size", type=click.IntRange(0), default=128, show_default=True, help="Bytes of a message.")
@click.option("--sync", is_flag=True, help="Each client publishes one at a time.")
@server_options
@pass_context
def bench(
    context: Context,
    channel: str,
    pubs: int,
    subs: int,
    count: int,
    size: int,
    sync: bool,
    stan_server: StanServer,
) -> None:
    """Measure publishing to CHANNEL and delivery from it: messages a second and latencies.

    Every subscriber gets every message. All clients share this one process.
    """
    from stanlocal.cli.throughput import Bench, run

    if not pubs and not subs:
        raise click.UsageError("nothing to measure: give --pubs or --subs")
    plan = Bench(channel, pubs, subs, count, size, sync)
    with stan_server.endpoint() as endpoint:
        report = asyncio.run(run(endpoint, stan_server.client_id or made_up_id("bench"), plan))
    if context.json:
        context.print_json(report)
        return
    for what in ("publish", "deliver"):
        if (part := report[what]) is not None:
            delay = "  ".join(f"{name} {value:.3f} ms" for name, value in part["latency_ms"].items())
            printing.echo(f"{what:<8} {part['messages']} messages  {part['rate']:,.0f}/s  {delay}")
