"""`pub`: messages published from the command line, each acknowledged."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable
from itertools import cycle, islice
from typing import Any

import click

from stanlocal.cli.context import Context, pass_context
from stanlocal.cli.stan_server import Endpoint, StanServer, made_up_id, server_options
from stanlocal.cli.until_signal import run_until_signal

_ACK_TIMEOUT_S = 30.0
"""Deadline for the ack of each message; long enough for a failover."""


@click.command()
@click.argument("channel")
@click.argument("messages", metavar="[MESSAGE]...", nargs=-1)
@click.option("--count", type=click.IntRange(1), help="How many: the MESSAGEs in turn, else made-up ones.")
@click.option("--size", type=click.IntRange(0), help="Bytes of a made-up message [128].")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Messages a second at most.")
@click.option("--stdin", is_flag=True, help="One message for each line of standard input.")
@server_options
@pass_context
def pub(
    context: Context,
    channel: str,
    messages: tuple[str, ...],
    count: int | None,
    size: int | None,
    rate: float | None,
    stdin: bool,
    stan_server: StanServer,
) -> None:
    """Publish to CHANNEL and wait for every ack, through a failover if needed.

    A message is stored at least once.
    """
    if stdin and (messages or count or size is not None):
        raise click.UsageError(
            "--stdin takes its messages from standard input: give no MESSAGE, --count or --size"
        )
    if messages and size is not None:
        raise click.UsageError("--size is for made-up messages: give no MESSAGE with it")
    if not (messages or stdin or count or size is not None):
        raise click.UsageError("nothing to publish: give a MESSAGE, --stdin, or --count for made-up ones")
    source = _lines() if stdin else _given(messages, count, 128 if size is None else size)
    with stan_server.endpoint() as endpoint:
        report, code = asyncio.run(
            _pub(endpoint, stan_server.client_id or made_up_id("pub"), channel, source, rate, context.say)
        )
    if context.json:
        context.print_json(report)
    else:
        context.say(
            f"published {report['published']} to {channel}, {report['acked']} acknowledged, "
            f"in {report['seconds']:.3f} s ({report['rate']:.0f}/s)"
        )
    if code:
        click.get_current_context().exit(code)


async def _pub(
    endpoint: Endpoint,
    client_id: str,
    channel: str,
    source: AsyncIterator[bytes],
    rate: float | None,
    note: Callable[[str], None],
) -> tuple[dict[str, Any], int]:
    from stanlocal import stan
    from stanlocal.stan.errors import CloseTimeout, ConnectionInterrupted, NoActiveServer

    published = acked = 0
    answers: float | None = None
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[None] = loop.create_future()

    def answered(ack: asyncio.Future[str]) -> None:
        nonlocal acked
        error = None if ack.cancelled() else ack.exception()
        if error is None:
            acked += 1
        elif not failed.done():
            failed.set_exception(error)

    async def send(client: stan.Client) -> None:
        nonlocal published
        async for data in source:
            if rate is not None:
                await asyncio.sleep(max(0.0, begin + published / rate - loop.time()))
            ack = await client.publish_async(channel, data)
            ack.add_done_callback(answered)
            published += 1
        await client.flush()

    try:
        async with stan.connect(
            **endpoint, client_id=client_id, retry=True, reconnect=True, ack_timeout=_ACK_TIMEOUT_S
        ) as client:
            begin = loop.time()
            code = await run_until_signal(send(client), failed)
            if code:
                await client.flush()  # what was sent before the signal, so that the counts are true
            answers = loop.time()
    except (CloseTimeout, ConnectionInterrupted, NoActiveServer) as error:
        if answers is None:
            raise
        # Everything is answered: only the goodbye was not, as between an active's end and the next one.
        note(f"{error}; the server keeps {client_id!r} until it misses its heartbeats")
    failed.cancel()
    seconds = answers - begin
    report = {
        "channel": channel,
        "published": published,
        "acked": acked,
        "seconds": round(seconds, 6),
        "rate": round(acked / seconds, 1) if seconds else 0.0,
    }
    return report, code


async def _given(messages: tuple[str, ...], count: int | None, size: int) -> AsyncIterator[bytes]:
    payloads = [os.fsencode(message) for message in messages]
    if payloads:
        for payload in islice(cycle(payloads), count or len(payloads)):
            yield payload
    else:
        for number in range(count or 1):
            yield (b"%d " % number).ljust(size, b".")[:size]


async def _lines() -> AsyncIterator[bytes]:
    """Yield the lines of standard input as they come, without line feeds."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[list[bytes] | None] = asyncio.Queue(16)

    def read() -> None:
        rest = b""
        descriptor = sys.stdin.buffer.fileno()
        while chunk := os.read(descriptor, 65536):
            *whole, rest = (rest + chunk).split(b"\n")
            asyncio.run_coroutine_threadsafe(lines.put(whole), loop).result()
        asyncio.run_coroutine_threadsafe(lines.put([rest] if rest else []), loop).result()
        asyncio.run_coroutine_threadsafe(lines.put(None), loop).result()

    # A daemon: a read from a terminal cannot be interrupted, and must not keep the process.
    threading.Thread(target=read, name="stdin", daemon=True).start()
    while (batch := await lines.get()) is not None:
        for line in batch:
            yield line
