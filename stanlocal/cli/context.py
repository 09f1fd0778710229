"""`Context`: the global options of a command, its group, and its output."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import click

from stanlocal.cli import printing
from stanlocal.util.printable import printable

if TYPE_CHECKING:
    from pathlib import Path

    from stanlocal.api import FTGroup
    from stanlocal.group.core import Group
    from stanlocal.lifecycle.opener import GroupOpener
    from stanlocal.lifecycle.planner import Report
    from stanlocal.settings import Settings


class Context:
    """The global options of a command, and in `flags` the settings that its own options gave.

    Not a dataclass: defining one takes longer than importing the rest of this module.
    """

    def __init__(
        self,
        *,
        group: str | None = None,
        engine: str | None = None,
        config: Path | None = None,
        kubeconfig: Path | None = None,
        context: str | None = None,
        namespace: str | None = None,
        json: bool = False,
        yes: bool = False,
        verbose: bool = False,
        flags: Mapping[str, Any] | None = None,
    ) -> None:
        self.group = group
        self.engine = engine
        self.config = config
        self.kubeconfig = kubeconfig
        self.context = context
        self.namespace = namespace
        self.json = json
        self.yes = yes
        self.verbose = verbose
        self.flags = dict(flags or {})

    def settings(self) -> Settings:
        """Return the effective settings."""
        return self.opener().settings()

    def opener(self, report: Report = lambda line: None, note: Report | None = None) -> GroupOpener:
        """Return the opener of the group that the options name; notes go to standard error, or to `note`."""
        from stanlocal.lifecycle.opener import opener_for

        options = {
            "group": self.group,
            "engine": self.engine,
            "config": self.config,
            "kubeconfig": self.kubeconfig,
            "context": self.context,
            "namespace": self.namespace,
        }
        opener = opener_for({**self.flags, **options})
        opener.report, opener.note, opener.consents = report, note or self.say, self.yes
        return opener

    def ft_group(self, report: Report = lambda line: None, note: Report | None = None) -> FTGroup:
        """Return the group that the options name, for a caller that closes it."""
        from stanlocal.api import group_over

        return group_over(self.opener(report, note))

    @asynccontextmanager
    async def opened(
        self, report: Report = lambda line: None, *, removes_orphans: bool = False
    ) -> AsyncIterator[FTGroup]:
        """Yield the group that the options name; its connection to the engine is closed after the block.

        With `removes_orphans` its `up` also removes groups whose process has ended.
        """
        from stanlocal.api import group_over

        opener = self.opener(report)
        opener.removes_orphans = removes_orphans
        group = group_over(opener)
        try:
            yield group
        finally:
            await group.close()

    @asynccontextmanager
    async def opened_core(self) -> AsyncIterator[Group]:
        """Yield the core of that group; like `opened`."""
        opener = self.opener()
        try:
            yield await opener.core()
        finally:
            await opener.close()

    # Printing: documents to standard output, progress and remarks to standard error

    def print_json(self, document: Mapping[str, Any], *, stream: bool = False) -> None:
        """Print one JSON document; `stream` writes it on one line and flushes it."""
        indent = 2 if printing.is_terminal() and not stream else None
        printing.print_json(document, indent=indent)

    async def show(self, group: FTGroup) -> None:
        """Print the group's state, for people or as its document."""
        document = await group.document()
        if self.json:
            self.print_json(document)
        else:
            from stanlocal.cli import render

            render.group(document)

    def say(self, line: str) -> None:
        """Print a line for people."""
        printing.echo(line, err=True)

    def confirm(self, what: str) -> None:
        """Ask before data is destroyed; without a terminal, require `--yes` or raise `UsageError`."""
        if self.yes:
            return
        if not sys.stdin.isatty():
            raise click.UsageError(f"{what}: needs '--yes' where there is no terminal to ask")
        if not printing.confirm(f"{what}. Go on?"):
            raise click.Abort

    @contextmanager
    def progress(self) -> Iterator[Report]:
        """Yield a function that reports progress: on a terminal as a spinner, else, if verbose, as lines."""
        if self.json or not sys.stderr.isatty():
            yield self._plain if not self.json else (lambda line: None)
            return
        from rich.text import Text

        with printing.people_console().status("…") as spinner:
            yield lambda line: spinner.update(Text(printable(line)))

    def _plain(self, line: str) -> None:
        if self.verbose:
            self.say(line)


pass_context = click.make_pass_decorator(Context)


def _set_store(ctx: click.Context, option: click.Parameter, value: str | None) -> None:
    context = ctx.find_object(Context)
    if value is not None and context is not None:
        context.flags["streaming"] = {"store": value}


store_option = click.option(
    "--store",
    type=click.Choice(["file"]),
    expose_value=False,
    callback=_set_store,
    help="With --from: a file store, whatever store the deployment has.",
)
"""Option of the commands with `--from`; it is a setting, so their functions do not get it."""

from_option = click.option(
    "--from",
    "from_file",
    metavar="FILE",
    multiple=True,
    help="Existing stan.conf, manifests, chart values, units, scripts; several times, a folder, or -.",
)
"""Option of the commands that take a deployment: files, folders, or `-` for standard input."""
