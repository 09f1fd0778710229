"""`metrics`: one Prometheus endpoint for the whole group."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import click

from stanlocal.cli.aio import run
from stanlocal.cli.context import Context, pass_context

if TYPE_CHECKING:
    from stanlocal.metrics.http import Answer

_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<host>[^:\[\]]*)):(?P<port>\d{1,5})")


class Address(click.ParamType[tuple[str, int]]):
    """An address HOST:PORT; without a host, that of the loopback interface."""

    name = "address"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        found = _ADDRESS.fullmatch(value)
        if found is None or int(found["port"]) > 65535:
            self.fail(f"'{value}' is not an address; give HOST:PORT, such as 127.0.0.1:7777", param, ctx)
        return found["six"] or found["host"] or "127.0.0.1", int(found["port"])


@click.command()
@click.option(
    "--listen",
    type=Address(),
    default="127.0.0.1:7777",
    metavar="HOST:PORT",
    help="Address (127.0.0.1:7777).",
)
@pass_context
def metrics(context: Context, listen: tuple[str, int]) -> None:
    """Serve Prometheus metrics of the group until Ctrl-C, under the names of prometheus-nats-exporter."""

    async def work() -> None:
        from stanlocal.faults.registry import FAULTS
        from stanlocal.metrics.endpoint import opened

        async with (
            context.opened_core() as core,
            opened(core, context.say, causes=sorted(FAULTS)) as endpoint,
            served(listen, endpoint.answer) as url,
        ):
            if context.json:
                context.print_json({"url": url}, stream=True)
            context.say(f"metrics on {url}; Ctrl-C ends it")
            await asyncio.Event().wait()

    run(work())


@asynccontextmanager
async def served(listen: tuple[str, int], answer: Answer) -> AsyncIterator[str]:
    """Answer scrapes during the block, and yield the URL; raises `PortInUse`."""
    from stanlocal.errors import PortInUse
    from stanlocal.metrics.http import serve, shown

    async with AsyncExitStack() as stack:
        try:
            url = f"http://{shown(*await stack.enter_async_context(serve(*listen, answer)))}/metrics"
        except OSError as error:
            reason = error.strerror or str(error)
            raise PortInUse(
                f"cannot listen on {shown(*listen)} ({reason}); choose another address with '--listen'",
                listen[1],
            ) from error
        yield url
