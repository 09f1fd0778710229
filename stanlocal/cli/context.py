"""What every command has at hand: the global options and the ways to print."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stanlocal.cli import printing
from stanlocal.util.printable import printable

if TYPE_CHECKING:
    from stanlocal.api import FTGroup
    from stanlocal.imports import Import
    from stanlocal.lifecycle.planner import Report
    from stanlocal.model.plan import GroupPlan
    from stanlocal.settings import Settings


@dataclass
class Context:
    """The global options, wherever on the command line they stood."""

    group: str | None = None
    engine: str | None = None
    config: Path | None = None
    json: bool = False
    yes: bool = False
    verbose: bool = False
    flags: dict[str, Any] = field(default_factory=dict)
    """Settings that a command's own options give."""

    def settings(self, existing: Mapping[str, Any] | None = None) -> Settings:
        """The effective settings."""
        from stanlocal.settings import load

        flags = {**self.flags, "group": self.group, "engine": self.engine}
        flags.pop("from_file", None)
        imported = self.imported()
        layer = imported.layer if imported else None
        return load(flags, os.environ, self.config, Path.cwd(), existing, layer)

    def imported(self) -> Import | None:
        """The deployment that --from names, if it was given."""
        file = self.flags.get("from_file")
        if file is None:
            return None
        from stanlocal.imports import read

        return read(Path(file), os.environ)

    def ft_group(self, report: Report = lambda line: None, note: Report | None = None) -> FTGroup:
        """The group that the options name; its notes go to standard error, or to `note`."""
        from stanlocal.api import group_over
        from stanlocal.lifecycle.opener import opener_for

        of_group = {"group": self.group, "engine": self.engine, "config": self.config}
        opener = opener_for({**self.flags, **of_group})
        opener.report, opener.note = report, note or self.say
        return group_over(opener)

    # Printing: documents to standard output, what people are told meanwhile to standard error

    def print_json(self, document: Mapping[str, Any], *, stream: bool = False) -> None:
        """One JSON document; `stream` puts it on one line and sends it at once."""
        indent = 2 if printing.is_terminal() and not stream else None
        printing.print_json(document, indent=indent)

    async def show_and_close(self, group: FTGroup) -> None:
        """Prints what the group is in the end, for people or as its document."""
        document = await group.document()
        await group.close()
        if self.json:
            self.print_json(document)
        else:
            from stanlocal.cli import render

            render.group(document)

    def say(self, line: str) -> None:
        """A line for people."""
        printing.echo(line, err=True)

    def confirm(self, what: str) -> None:
        """Asks before data is destroyed; without a terminal `--yes` is the answer, or exit code 2."""
        if self.yes:
            return
        if not sys.stdin.isatty():
            raise click.UsageError(f"{what}: needs '--yes' where there is no terminal to ask")
        if not printing.confirm(f"{what}. Go on?"):
            raise click.Abort

    @contextmanager
    def progress(self) -> Iterator[Report]:
        """Takes lines that say what is being done: a spinner on a terminal, plain lines elsewhere."""
        if self.json or not sys.stderr.isatty():
            yield self._plain if not self.json else (lambda line: None)
            return
        from rich.text import Text

        with printing.people_console().status("…") as spinner:
            yield lambda line: spinner.update(Text(printable(line)))

    def _plain(self, line: str) -> None:
        if self.verbose:
            self.say(line)


def group_plan() -> GroupPlan:
    """The plan of the group that the current command is about."""
    from stanlocal.cli.aio import run

    context = click.get_current_context().ensure_object(Context)

    async def find() -> GroupPlan:
        from stanlocal.api import core_of

        group = context.ft_group()
        plan, _ = await (await core_of(group)).find()
        await group.close()
        return plan

    return run(find())


pass_context = click.make_pass_decorator(Context)
