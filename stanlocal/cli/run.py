"""`run`: any program's tests on a group, with faults meanwhile."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stanlocal.cli import output_file, printing
from stanlocal.cli.aio import run as run_work
from stanlocal.cli.context import Context, from_option, pass_context, store_option
from stanlocal.cli.exit_codes import BAD_VERDICT
from stanlocal.cli.seconds import Seconds
from stanlocal.settings.layer import variable
from stanlocal.util.styled import Styled

if TYPE_CHECKING:
    from stanlocal.api import FTGroup
    from stanlocal.drill.scenario.scenario import Scenario
    from stanlocal.lifecycle.planner import Report
    from stanlocal.testing.run.outcome import RunOutcome
    from stanlocal.testing.run.planned_fault import PlannedFault

_ORDER = "stanlocal.options_in_order"
_file = click.Path(path_type=Path, dir_okay=False)


class _WithFaults(click.Command):
    """Command whose options `--every` and `--after` belong to the `--fault` before them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        ctx.meta[_ORDER] = [param.name for param in order]
        return super().parse_args(ctx, args)


@click.command(
    cls=_WithFaults,
    context_settings={"allow_interspersed_args": False},
    options_metavar="[OPTIONS] --",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, required=True, metavar="COMMAND...")
@click.option("--nodes", type=int, metavar="N", help="Servers in the group (2).")
@click.option("--image", metavar="REF", help="Server image (nats-streaming:0.25.6).")
@click.option("--secure/--no-secure", default=None, help="TLS and a login, from a CA of the group's own.")
@click.option("--proxied/--no-proxied", default=None, help="A proxy in the path, for network faults.")
@click.option("--store-size", metavar="SIZE", help="Limit of the store, for fill-disk.")
@from_option
@store_option
@click.option(
    "--fault",
    "fault",
    multiple=True,
    metavar="NAME[:TARGET[:S]]",
    help="Inject a fault while COMMAND runs; heal it after S. Repeatable.",
)
@click.option("--every", multiple=True, type=Seconds(), metavar="S", help="Inject that fault every S.")
@click.option(
    "--after",
    multiple=True,
    type=Seconds(),
    metavar="S",
    help="Inject that fault after S: once, or with --every the first time.",
)
@click.option("--drill", metavar="NAME|FILE", help="Run a drill, with its load, while COMMAND runs.")
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Repeat the run that had this seed.")
@click.option("--max-outage", type=click.FloatRange(min=0), metavar="S", help="Longest outage allowed.")
@click.option("--junit", type=_file, metavar="FILE", help="Write the result as a JUnit report.")
@click.option("--html", type=_file, metavar="FILE", help="Write a report with timeline and logs.")
@output_file.force_option
@pass_context
def run(
    context: Context,
    /,
    command: tuple[str, ...],
    drill: str | None,
    seed: int | None,
    max_outage: float | None,
    junit: Path | None,
    html: Path | None,
    force: bool,
    fault: tuple[str, ...],
    every: tuple[float, ...],
    after: tuple[float, ...],
    **flags: Any,
) -> int:
    """Run COMMAND, such as your test suite, on a group of its own, which is removed afterwards.

    COMMAND has the variables of 'stanlocal env', and the terminal, signals and standard streams as if run
    alone. Its exit code is the result; 5 when it succeeded and the budget was exceeded. With --group, or
    STANLOCAL_GROUP, it runs on that group, which is left as it was found. With --json the closing
    paragraph on standard error is a JSON document.

    stanlocal run --fault kill:@active --every 5s -- go test ./...
    """
    from stanlocal.testing.run.planned_fault import plan_faults

    order = click.get_current_context().meta[_ORDER]
    faults = plan_faults(_in_order(order, {"fault": fault, "every": every, "after": after}))
    if drill is not None and faults:
        raise click.UsageError("a drill injects faults of its own; give --fault or --drill")
    if shutil.which(command[0]) is None:
        raise click.UsageError(f"no command '{command[0]}' that can be run")
    output_file.check((junit, html), force=force)  # not after ten minutes
    scenario = None
    if drill is not None:
        from stanlocal.drill.scenario.scenario_file import load_scenario

        scenario = load_scenario(drill)
        flags |= _needed(scenario, flags)
    context.flags.update(flags)
    own = not (context.group or os.environ.get(variable(("group",))))
    if own:
        context.group = f"run-{secrets.token_hex(4)}"
    else:
        _confirm_cost(context, faults, scenario)

    async def work() -> RunOutcome:
        from stanlocal.cli.child import run_child
        from stanlocal.testing.run.runner import RunRequest, run_on

        async def execute(variables: Mapping[str, str]) -> int:
            return await run_child(command, {**os.environ, **variables})

        request = RunRequest(
            command=command,
            execute=execute,
            faults=faults,
            scenario=scenario,
            max_outage_s=max_outage,
            seed=seed,
            reports=bool(junit or html),
            note=context.say if context.verbose else lambda line: None,
        )
        async with AsyncExitStack() as stack:
            with context.progress() as report:
                group = await stack.enter_async_context(_group(context, report, own=own))
            outcome = await run_on(group, request)
            try:
                _write(context, outcome, junit, html, force=force)
            finally:  # a full disk must not hide the outcome
                _show(context, outcome)
        return outcome

    outcome = run_work(work())
    return outcome.exit_code or (0 if outcome.ok else BAD_VERDICT)


def _group(context: Context, report: Report, *, own: bool) -> FTGroup:
    """Return the group for `async with`; one of its own is bound to this process, and purged at the end."""
    from stanlocal.api import group_over
    from stanlocal.lifecycle.opener import this_process

    opener = context.opener(report)
    if own:
        opener.bound_to = this_process
    return group_over(opener)


def _in_order(order: Sequence[str], values: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, Any]]:
    """Yield the options of these names with their values, in the order of the command line."""
    left = {name: iter(given) for name, given in values.items()}
    for name in order:
        if name in left:
            yield name, next(left[name])


def _needed(scenario: Scenario, flags: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that the scenario asks for, where the command line says nothing."""
    asked = {
        "nodes": scenario.nodes,
        "store_size": scenario.store_size,
        "proxied": scenario.proxied or None,
        "secure": scenario.secure or None,
    }
    return {name: value for name, value in asked.items() if flags.get(name) is None}


def _confirm_cost(context: Context, faults: Sequence[PlannedFault], scenario: Scenario | None) -> None:
    from stanlocal.drill.scenario.scenario import costs

    lost = {each.fault.costs_data for each in faults if each.fault.costs_data}
    for cost in sorted(lost | (costs(scenario) if scenario is not None else set())):
        context.confirm(f"in a group that is not of this run alone: {cost}")


def _show(context: Context, outcome: RunOutcome) -> None:
    """Print the group's report after a failure, then the outcome, for people or as a document."""
    if context.json:
        printing.page(f"{json.dumps(outcome.document(), ensure_ascii=False)}\n", err=True)
        return
    if not outcome.ok:
        for title, text in outcome.sections:
            context.say(f"--- {title}")
            printing.page(f"{text}\n", err=True)
    context.say(f"stanlocal: {outcome.paragraph()}")
    for problem in outcome.problems:
        printing.echo(Styled("!!", "bold red"), f" {problem}", err=True)


def _write(
    context: Context, outcome: RunOutcome, junit: Path | None, html: Path | None, *, force: bool
) -> None:
    if junit is not None or html is not None:
        from stanlocal.testing.run.report import junit_report, page

        for path, made in ((junit, junit_report), (html, page)):
            if path is not None:
                output_file.write(path, made(outcome), force=force)
                context.say(f"written: {path}")
