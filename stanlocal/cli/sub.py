"""`sub`: a channel's messages printed as they come."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import click

from stanlocal.cli import printing
from stanlocal.cli.context import Context, pass_context
from stanlocal.cli.stan_server import Endpoint, StanServer, made_up_id, server_options
from stanlocal.cli.start_position import start_options, start_position
from stanlocal.cli.until_signal import TIMED_OUT, run_until_signal

if TYPE_CHECKING:
    from stanlocal.stan import Client, Message, Subscription

_REQUEST_TIMEOUT_S = 10.0
"""Longest wait for each answer of the server, where --timeout allows it."""


@click.command()
@click.argument("channel")
@start_options
@click.option("--durable", default="", metavar="D", help="Durable name: continue where it stopped.")
@click.option("--queue", default="", metavar="Q", help="Queue group: share the messages with its members.")
@click.option("--count", type=click.IntRange(1), help="End after that many messages.")
@click.option(
    "--timeout", type=click.FloatRange(0, min_open=True), metavar="S", help="Give up after that long."
)
@click.option(
    "--manual-ack", is_flag=True, help="Acknowledge nothing: each message comes again after --ack-wait."
)
@click.option("--ack-wait", type=click.IntRange(1), default=30, show_default=True, help="Seconds.")
@click.option("--max-inflight", type=click.IntRange(1), default=1024, show_default=True, help="Messages.")
@click.option("--unsubscribe", is_flag=True, help="At the end, remove the durable.")
@server_options
@pass_context
def sub(
    context: Context,
    channel: str,
    new: bool,
    everything: bool,
    last: bool,
    since: str | None,
    seq: int | None,
    durable: str,
    queue: str,
    count: int | None,
    timeout: float | None,
    manual_ack: bool,
    ack_wait: int,
    max_inflight: int,
    unsubscribe: bool,
    stan_server: StanServer,
) -> None:
    """Print CHANNEL's messages as they come, each acknowledged once it is printed.

    Ends after --count messages, with exit code 1 after --timeout, or on Ctrl-C.
    """
    start = start_position(new, everything, last, since, seq)

    def show(message: Message) -> None:
        if context.json:
            context.print_json(_document(message), stream=True)
        else:
            _print(message)

    with stan_server.endpoint() as endpoint:
        code = asyncio.run(
            _sub(
                endpoint,
                stan_server.client_id or made_up_id("sub"),
                lambda client: client.subscribe(
                    channel,
                    start=start,
                    durable_name=durable,
                    queue_group=queue,
                    manual_ack=True,
                    ack_wait=ack_wait,
                    max_inflight=max_inflight,
                ),
                show,
                acknowledge=not manual_ack,
                count=count,
                timeout=timeout,
                unsubscribe=unsubscribe,
            )
        )
    if code == TIMED_OUT:
        printing.echo(_timed_out(channel, count, timeout), err=True)
    if code:
        click.get_current_context().exit(code)


def _timed_out(channel: str, count: int | None, timeout: float | None) -> str:
    if count is None:
        return f"{channel} was read for {timeout:g} s; without --timeout, it is read until Ctrl-C"
    return (
        f"fewer than {count} messages on {channel} within {timeout:g} s; see whether anything publishes there"
    )


async def _sub(
    endpoint: Endpoint,
    client_id: str,
    subscribe: Callable[[Client], Awaitable[Subscription]],
    show: Callable[[Message], None],
    *,
    acknowledge: bool,
    count: int | None,
    timeout: float | None,
    unsubscribe: bool,
) -> int:
    from stanlocal import stan

    shown = 0

    async def follow(subscription: Subscription) -> None:
        nonlocal shown
        async for message in subscription:
            show(message)
            if acknowledge:
                await message.ack()
            shown += 1
            if shown == count:
                return

    request_timeout = None if timeout is None else min(timeout, _REQUEST_TIMEOUT_S)
    async with (
        stan.connect(
            **endpoint,
            client_id=client_id,
            request_timeout=request_timeout,
            retry=True,
            reconnect=True,
        ) as client,
        await subscribe(client) as subscription,
    ):
        code = await run_until_signal(follow(subscription), timeout=timeout)
        if unsubscribe:
            await subscription.unsubscribe()
    return code


def _document(message: Message) -> dict[str, Any]:
    """Return a message for scripts: text as text, other bytes as base64."""
    try:
        data = {"data": message.data.decode()}
    except UnicodeDecodeError:
        data = {"data_base64": base64.b64encode(message.data).decode()}
    return {
        "channel": message.channel,
        "seq": message.sequence,
        **data,
        "timestamp": message.timestamp,
        "redelivered": message.redelivered,
        "redelivery_count": message.redelivery_count,
    }


def _print(message: Message) -> None:
    """Print a message for people and flush it: it is acknowledged only after that."""
    again = f" (redelivered {message.redelivery_count})" if message.redelivered else ""
    try:
        text = message.data.decode()
    except UnicodeDecodeError:
        text = f"base64:{base64.b64encode(message.data).decode()}"
    printing.echo(f"[{message.sequence}]{again} {text}")
