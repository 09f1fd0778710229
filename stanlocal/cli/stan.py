"""`pub`, `sub`, `bench`: the STAN client on the command line, for the group or any STAN server."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import secrets
import signal
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stanlocal.cli.context import Context, group_endpoint, pass_context

if TYPE_CHECKING:
    from stanlocal.stan import Client, Message, StartPosition, Subscription

_TIMED_OUT = 1
_DEFAULT_CLUSTER_ID = "test-cluster"
_GIVE_UP = 30.0
"""Seconds a message may take through a failover."""

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")

_F = TypeVar("_F", bound=Callable[..., Any])


def _server_options(command: _F) -> _F:
    """`--url`, `--cluster-id`, `--client-id`."""
    for option in (
        click.option("--client-id", help="Client id; made up when not given."),
        click.option("--cluster-id", help="Cluster id of the server; the group's when not given."),
        click.option("--url", help="Any STAN server instead of the group: URL[,URL]."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("channel")
@click.argument("messages", metavar="[MESSAGE]...", nargs=-1)
@click.option("--count", type=click.IntRange(1), help="How many: the MESSAGEs in turn, else made-up ones.")
@click.option("--size", type=click.IntRange(0), help="Bytes of a made-up message [128].")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Messages a second at most.")
@click.option("--stdin", is_flag=True, help="One message for each line of standard input.")
@_server_options
@pass_context
def pub(
    context: Context,
    channel: str,
    messages: tuple[str, ...],
    count: int | None,
    size: int | None,
    rate: float | None,
    stdin: bool,
    url: str | None,
    cluster_id: str | None,
    client_id: str | None,
) -> None:
    """Publish to CHANNEL and wait for every ack, through a failover if need be.

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
    urls, cluster = _server(url, cluster_id)
    report, code = asyncio.run(_pub(urls, cluster, client_id or _made_up("pub"), channel, source, rate))
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
    urls: list[str],
    cluster_id: str,
    client_id: str,
    channel: str,
    source: AsyncIterator[bytes],
    rate: float | None,
) -> tuple[dict[str, Any], int]:
    from stanlocal import stan

    published = acked = 0
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

    async with stan.connect(
        urls, cluster_id=cluster_id, client_id=client_id, retry=True, ack_timeout=_GIVE_UP
    ) as client:
        begin = loop.time()
        code = await _run(send(client), failed)
        if code:
            await client.flush()  # what was sent before the signal, so that the counts are true
        seconds = loop.time() - begin
    failed.cancel()
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
    """Standard input's lines, without their line feeds, as they come."""
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


def _start_options(command: _F) -> _F:
    """Where a subscription begins; at most one of them."""
    for option in (
        click.option("--seq", type=click.IntRange(0), help="From that sequence on."),
        click.option(
            "--since", metavar="T", help="From that time (RFC 3339) or so long ago (90s, 5m, 2h) on."
        ),
        click.option("--last", is_flag=True, help="From the last message on."),
        click.option("--all", "everything", is_flag=True, help="From the first message on."),
        click.option("--new", is_flag=True, help="Only new messages (the default)."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("channel")
@_start_options
@click.option("--durable", default="", metavar="D", help="Durable name: go on where it was left.")
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
@_server_options
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
    url: str | None,
    cluster_id: str | None,
    client_id: str | None,
) -> None:
    """Print CHANNEL's messages as they come, each acknowledged once it is printed.

    Ends after --count messages, with exit code 1 after --timeout, or on Ctrl-C.
    """
    start = _start(new, everything, last, since, seq)
    urls, cluster = _server(url, cluster_id)

    def show(message: Message) -> None:
        if context.json:
            context.print_json(_document(message), stream=True)
        else:
            _print(message)

    code = asyncio.run(
        _sub(
            urls,
            cluster,
            client_id or _made_up("sub"),
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
    if code == _TIMED_OUT:
        wanted = f"{count} messages" if count else "an end"
        click.echo(
            f"no {wanted} on {channel} within {timeout:g} s; see whether anything publishes there", err=True
        )
    if code:
        click.get_current_context().exit(code)


async def _sub(
    urls: list[str],
    cluster_id: str,
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

    patience = None if timeout is None else min(timeout, 10.0)
    async with (
        stan.connect(
            urls,
            cluster_id=cluster_id,
            client_id=client_id,
            request_timeout=patience,
            retry=True,
            reconnect=True,
        ) as client,
        await subscribe(client) as subscription,
    ):
        code = await _run(follow(subscription), timeout=timeout)
        if unsubscribe:
            await subscription.unsubscribe()
    return code


def _start(new: bool, everything: bool, last: bool, since: str | None, seq: int | None) -> StartPosition:
    from stanlocal import stan

    if sum((new, everything, last, since is not None, seq is not None)) > 1:
        raise click.UsageError("give only one of --new, --all, --last, --since and --seq")
    if everything:
        return stan.DeliverAll()
    if last:
        return stan.LastReceived()
    if seq is not None:
        return stan.StartSequence(seq)
    if since is None:
        return stan.NewOnly()
    if _DURATION.fullmatch(since):
        parts = re.findall(r"([\d.]+)([a-z]+)", since)
        return stan.StartTimeDelta(
            timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))
        )
    try:
        return stan.StartTime(datetime.fromisoformat(since))
    except ValueError:
        raise click.UsageError(
            f"--since {since!r}: give a time like 2026-01-31T12:00:00Z, or 90s, 5m, 2h"
        ) from None


def _document(message: Message) -> dict[str, Any]:
    """A message for scripts: text as text, other bytes as base64."""
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
    """A message for people, out at once: it is acknowledged only after that."""
    again = f" (redelivered {message.redelivery_count})" if message.redelivered else ""
    try:
        text = message.data.decode()
    except UnicodeDecodeError:
        text = f"base64:{base64.b64encode(message.data).decode()}"
    click.echo(f"[{message.sequence}]{again} {text}")
    sys.stdout.flush()


@click.command()
@click.argument("channel")
@click.option("--pubs", type=click.IntRange(0), default=1, show_default=True, help="Publishing clients.")
@click.option("--subs", type=click.IntRange(0), default=0, show_default=True, help="Subscribing clients.")
@click.option("--count", type=click.IntRange(1), default=100_000, show_default=True, help="Messages in all.")
@click.option("--size", type=click.IntRange(0), default=128, show_default=True, help="Bytes of a message.")
@click.option("--sync", is_flag=True, help="Each client publishes one at a time.")
@_server_options
@pass_context
def bench(
    context: Context,
    channel: str,
    pubs: int,
    subs: int,
    count: int,
    size: int,
    sync: bool,
    url: str | None,
    cluster_id: str | None,
    client_id: str | None,
) -> None:
    """Measure publishing to CHANNEL and delivery from it: messages a second and latencies.

    Every subscriber gets every message. All clients share this one process.
    """
    from stanlocal.cli.stan_bench import Bench, run

    if not pubs and not subs:
        raise click.UsageError("nothing to measure: give --pubs or --subs")
    urls, cluster = _server(url, cluster_id)
    plan = Bench(channel, pubs, subs, count, size, sync)
    report = asyncio.run(run(urls, cluster, client_id or _made_up("bench"), plan))
    if context.json:
        context.print_json(report)
        return
    for what in ("publish", "deliver"):
        if (part := report[what]) is not None:
            delay = "  ".join(f"{name} {value:.3f} ms" for name, value in part["latency_ms"].items())
            click.echo(f"{what:<8} {part['messages']} messages  {part['rate']:,.0f}/s  {delay}")


commands = [pub, sub, bench]


# What they share


def _made_up(role: str) -> str:
    return f"stanlocal-{role}-{secrets.token_hex(4)}"


def _server(url: str | None, cluster_id: str | None) -> tuple[list[str], str]:
    """The URLs and the cluster id: those given, else the group's."""
    if url is not None:
        return [part.strip() for part in url.split(",")], cluster_id or _DEFAULT_CLUSTER_ID
    urls, groups_id = group_endpoint()
    return list(urls), cluster_id or groups_id


async def _run(
    work: Coroutine[Any, Any, None],
    failed: asyncio.Future[None] | None = None,
    *,
    timeout: float | None = None,
) -> int:
    """Run `work`: 0 when it is done, 1 when the time is up, 128 and its number when a signal ends it."""
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[int] = loop.create_future()

    def stop(number: signal.Signals) -> None:
        if not stopped.done():
            stopped.set_result(128 + number)

    handled = (signal.SIGINT, signal.SIGTERM)
    for each in handled:
        loop.add_signal_handler(each, stop, each)
    task = asyncio.ensure_future(work)
    waited: list[asyncio.Future[Any]] = [task, stopped, *([failed] if failed is not None else [])]
    try:
        await asyncio.wait(waited, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in handled:
            loop.remove_signal_handler(each)
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
    if failed is not None and failed.done():
        failed.result()
    if task.cancelled():
        return stopped.result() if stopped.done() else _TIMED_OUT
    task.result()
    return 0
