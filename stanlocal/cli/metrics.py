"""`metrics`: one Prometheus endpoint for the whole group."""

from __future__ import annotations

import os
import re

import click

from stanlocal.cli.aio import run
from stanlocal.cli.context import Context, pass_context

_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<host>[^:\[\]]*)):(?P<port>\d{1,5})")


class Address(click.ParamType[tuple[str, int]]):
    """HOST:PORT; without a host the loopback."""

    name = "address"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        found = _ADDRESS.fullmatch(value)
        if found is None or int(found["port"]) > 65535:
            self.fail(f"'{value}' is no address; say 127.0.0.1:7777", param, ctx)
        return found["six"] or found["host"] or "127.0.0.1", int(found["port"])


@click.command()
@click.option(
    "--listen", type=Address(), default="127.0.0.1:7777", metavar="HOST:PORT", help="Where (127.0.0.1:7777)."
)
@pass_context
def metrics(context: Context, listen: tuple[str, int]) -> None:
    """Serve Prometheus metrics of the group until Ctrl-C, under the names of prometheus-nats-exporter."""

    async def work() -> None:
        from stanlocal.errors import PortInUse
        from stanlocal.metrics.endpoint import opened
        from stanlocal.metrics.http import serve

        group = context.ft_group()
        try:
            async with opened(await group.core()) as endpoint:
                try:
                    server = await serve(*listen, endpoint.answer)
                except OSError as error:
                    raise PortInUse(
                        f"cannot listen on {listen[0]}:{listen[1]} ({os.strerror(error.errno or 0)}); "
                        "choose another address with '--listen'",
                        listen[1],
                    ) from error
                async with server:
                    host, port = server.sockets[0].getsockname()[:2]
                    shown = f"[{host}]" if ":" in host else host
                    if context.json:
                        context.print_json({"url": f"http://{shown}:{port}/metrics"}, stream=True)
                    context.say(f"metrics on http://{shown}:{port}/metrics; Ctrl-C ends it")
                    await server.serve_forever()
        finally:
            await group.close()

    run(work())
