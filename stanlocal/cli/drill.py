"""`drill`: failure scenarios under load, with a verdict."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stanlocal.cli import output_file, printing
from stanlocal.cli.aio import run
from stanlocal.cli.command_group import CommandGroup
from stanlocal.cli.context import Context, pass_context
from stanlocal.cli.exit_codes import BAD_VERDICT
from stanlocal.cli.history import Since
from stanlocal.cli.seconds import Seconds
from stanlocal.util.styled import Styled

if TYPE_CHECKING:
    from stanlocal.drill.analysis.outcome import Outcome
    from stanlocal.drill.analysis.verdict import Budget
    from stanlocal.drill.runner import Drill
    from stanlocal.drill.scenario.scenario import Scenario

_RUN = "run"


class _Drills(CommandGroup):
    """The drill commands; any other name is a scenario to run, as in `drill kill-loop`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        args = ["list" if arg == "--list" else arg for arg in args]
        if args and not {"-h", "--help", *self.commands} & set(args):
            args = [_RUN, *args]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of running a scenario; the commands have their own help."""
        self.commands[_RUN].format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


@click.group(cls=_Drills, options_metavar="", subcommand_metavar="NAME|FILE [OPTIONS] | COMMAND [ARGS]...")
def drill() -> None:
    """Run a failure scenario under load, and judge what it cost: exit code 5 when that is too much.

    It runs in a scratch group of its own, which is removed afterwards, or with --here in the running group.
    Ctrl-C heals, and judges what ran. NAME is one of 'stanlocal drill list', FILE a scenario of yours; see
    docs/drills.md.
    """


_file = click.Path(path_type=Path, dir_okay=False)
_JUDGING: list[Callable[[Any], Any]] = [
    click.option("--max-outage", type=click.FloatRange(min=0), metavar="S", help="Longest outage allowed."),
    click.option("--max-lost", type=click.IntRange(min=0), metavar="N", help="Lost messages allowed (0)."),
    click.option(
        "--max-duplicates", type=click.IntRange(min=0), metavar="N", help="Repeated deliveries allowed."
    ),
    click.option("--junit", type=_file, metavar="FILE", help="Write the verdict as a JUnit report."),
    click.option("--html", type=_file, metavar="FILE", help="Write a report with timeline and charts."),
    output_file.force_option,
]


def _judging(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of commands that give a verdict."""
    for option in reversed(_JUDGING):
        command = option(command)
    return command


@drill.command(_RUN, hidden=True)
@click.argument("scenario", metavar="NAME|FILE")
@click.option("--here", is_flag=True, help="Use the running group instead of a scratch group.")
@click.option("--kill-active", type=click.IntRange(min=1), metavar="N", help="Kills in a kill-loop (20).")
@click.option("--duration", type=Seconds(), metavar="S", help="How long the drill lasts, such as 90 or 10m.")
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Repeat the drill that had this seed.")
@click.option("--ledger", type=_file, metavar="FILE", help="File for the drill's ledger.")
@_judging
@pass_context
def run_(
    context: Context,
    /,
    scenario: str,
    here: bool,
    kill_active: int | None,
    duration: float | None,
    seed: int | None,
    ledger: Path | None,
    junit: Path | None,
    html: Path | None,
    force: bool,
    **limits: float | None,
) -> int:
    """Run a scenario."""
    from stanlocal.drill.runner import Drill
    from stanlocal.drill.scenario.scenario import with_kills
    from stanlocal.drill.scenario.scenario_file import load_scenario

    found = load_scenario(scenario)
    if kill_active is not None:
        found = with_kills(found, kill_active)
    if duration is not None:
        found = replace(found, duration_s=duration)
    found = replace(found, budget=_budget(found.budget, limits))
    output_file.check((junit, html), force=force)  # not after ten minutes
    _check_writable(ledger)
    if here:
        _confirm_cost(context, found)

    async def work() -> Outcome:
        from stanlocal.cli.drill_live import shown

        async with context.opened() if here else nullcontext() as group:
            drill = Drill(
                found, here=group, engine=context.engine, config=context.config, seed=seed, ledger=ledger
            )
            with shown(context, drill), stopped_by_ctrl_c(drill):
                return await drill.run()

    outcome = run(work())
    return give(context, outcome, junit, html, force=force)


@contextmanager
def stopped_by_ctrl_c(drill: Drill) -> Iterator[None]:
    """During the block, let the first Ctrl-C end the drill with a verdict, and the second at once."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    presses = itertools.count()

    def press() -> None:
        if next(presses) or not drill.stop():
            task.cancel()

    loop.add_signal_handler(signal.SIGINT, press)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _budget(budget: Budget, limits: dict[str, float | None]) -> Budget:
    """Return the budget with the limits of the command line."""
    return replace(budget, **{name: limit for name, limit in limits.items() if limit is not None})  # type: ignore[arg-type]  # each option has its field's type


def _check_writable(path: Path | None) -> None:
    """Check that the ledger can be written before the drill begins, rather than after ten minutes."""
    if path is not None and not os.access(path.parent, os.W_OK):
        raise click.UsageError(f"{path} cannot be written: its folder is not there, or is not yours")


def _confirm_cost(context: Context, scenario: Scenario) -> None:
    from stanlocal.drill.scenario.scenario import costs

    for cost in sorted(costs(scenario)):
        context.confirm(f"'{scenario.name}' in the running group: {cost}")


def give(context: Context, outcome: Outcome, junit: Path | None, html: Path | None, *, force: bool) -> int:
    """Print the verdict, write the reports, and return the exit code."""
    from stanlocal.cli.drill_verdict import show

    if context.json:  # first, so that a full disk hides no verdict
        context.print_json(outcome.document())
    else:
        show(outcome)
    if junit is not None:
        from stanlocal.drill.report.junit import junit_report

        _write(context, junit, junit_report(outcome), force=force)
    if html is not None:
        from stanlocal.drill.report.html import page

        _write(context, html, page(outcome), force=force)
    return 0 if outcome.verdict.ok else BAD_VERDICT


def _write(context: Context, path: Path, text: str, *, force: bool) -> None:
    output_file.write(path, text, force=force)
    context.say(f"written: {path}")


@drill.command("list")
@pass_context
def list_(context: Context) -> None:
    """List the scenarios that come with stanlocal, and what each teaches."""
    from stanlocal.drill.scenario.scenario_file import load_scenario, shipped

    found = [load_scenario(name) for name in shipped()]
    if context.json:
        described = [{"name": each.name, "title": each.title, "teaches": each.teaches} for each in found]
        context.print_json({"drills": described})
        return
    for each in found:
        formatter = click.HelpFormatter(width=min(shutil.get_terminal_size().columns, 100))
        printing.echo(Styled(each.name, "bold"))
        with formatter.indentation():
            formatter.write_text(f"{each.title}.")
            formatter.write_text(each.teaches)
        printing.page(formatter.getvalue() + ("\n" if each is not found[-1] else ""))


@drill.command()
@click.argument("ledger", type=click.Path(path_type=Path))
@_judging
@pass_context
def verify(
    context: Context,
    /,
    ledger: Path,
    junit: Path | None,
    html: Path | None,
    force: bool,
    **limits: float | None,
) -> int:
    """Judge the ledger of a drill again, even if the drill was killed half way."""
    from stanlocal.drill.analysis.outcome import judged

    output_file.check((junit, html), force=force)
    return give(context, judged(ledger, **limits), junit, html, force=force)


@drill.command()
@click.option("--since", type=Since(), metavar="T", help="Only what was done since a time, or 10m.")
@click.option("-o", "--output", type=_file, metavar="FILE", help="The scenario's file; else it is printed.")
@output_file.force_option
@pass_context
def record(context: Context, since: datetime | None, output: Path | None, force: bool) -> None:
    """Turn the faults injected by hand into a scenario that can be run as a drill."""
    output_file.check((output,), force=force)

    async def work() -> str:
        from stanlocal.drill.record import recorded_scenario
        from stanlocal.history.timeline import statuses

        async with context.opened_core() as core:
            plan, past = await core.history()
        changes = list(statuses(plan, past))
        return recorded_scenario(plan, core.home.journal.faults(), changes, since)

    text = run(work())
    if context.json:
        context.print_json({"scenario": text})
    elif output is None:
        printing.page(text)
    if output is not None:
        _write(context, output, text, force=force)
