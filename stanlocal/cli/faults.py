"""`fault`, `faults` and `heal`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import click

from stanlocal.cli import printing
from stanlocal.cli.aio import run
from stanlocal.cli.command_group import CommandGroup
from stanlocal.cli.context import Context, pass_context
from stanlocal.cli.exit_codes import BAD_VERDICT
from stanlocal.cli.nodes import signal_name
from stanlocal.faults import injection
from stanlocal.faults.base import Fault
from stanlocal.faults.expire_lock import numbered
from stanlocal.faults.parameters import Parameter, parameters
from stanlocal.faults.registry import FAULTS
from stanlocal.faults.truncate_store import TruncateStore
from stanlocal.util.styled import Styled

if TYPE_CHECKING:
    from stanlocal.api import FTGroup
    from stanlocal.model.fault_record import FaultRecord

_EXTRA_OPTIONS: Mapping[str, Sequence[click.Option]] = {
    TruncateStore.name: [
        click.Option(["--repair"], is_flag=True, help="Then have one node drop the torn message, once.")
    ],
}
"""Options that are no parameter of the fault."""

_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {"signal": signal_name, "limit_kb": lambda kb: kb or None}
"""Conversions from an option's value to the parameter's, where they differ."""


def _option(parameter: Parameter) -> click.Option:
    flag, default = parameter.flag, parameter.default
    choices = get_args(parameter.hint) if get_origin(parameter.hint) is Literal else ()
    kind = parameter.hint if isinstance(parameter.hint, type) else int  # else it is `int | None`
    return click.Option(
        [flag.flag, parameter.name],
        type=click.Choice(choices) if choices else kind,
        default=default,
        metavar=flag.metavar,
        help=f"{flag.help}." if default is None else f"{flag.help} ({default}).",
    )


@click.group(cls=CommandGroup)
def fault() -> None:
    """Predict what a fault will do, inject it, and compare; exit code 5 for a wrong prediction.

    TARGETs name nodes: stan-0, 0, @active, @standby, @all. A fault lasts until 'stanlocal heal', or for
    --for seconds: then it is undone before the command ends.
    """


def _command(kind: type[Fault]) -> click.Command:
    params: list[click.Parameter] = [
        click.Argument(["targets"], nargs=-1, metavar="[TARGET]..."),
        click.Option(
            ["--for", "seconds"], type=float, metavar="S", help="Undo it S seconds after its effect."
        ),
        *map(_option, parameters(kind)),
        *_EXTRA_OPTIONS.get(kind.name, ()),
    ]
    summary = f"{kind.summary[:1].upper()}{kind.summary[1:]}."
    usual = f"Without a TARGET it hits {', '.join(kind.default_targets)}."

    @pass_context
    def inject(context: Context, /, targets: tuple[str, ...], seconds: float | None, **given: Any) -> int:
        if kind.costs_data:
            context.confirm(kind.costs_data)
        repair = bool(given.pop("repair", False))
        for name in given.keys() & _CONVERTERS:
            given[name] = _CONVERTERS[name](given[name])
        made = kind(**given)
        if repair and seconds is not None:
            raise click.UsageError("--repair ends the fault by itself; leave --for out")
        return run(_fault(context, made, targets, seconds, repair=repair))

    return click.Command(kind.name, params=params, callback=inject, help=f"{summary}\n\n{usual}")


for _kind in FAULTS.values():
    fault.add_command(_command(_kind))


async def _fault(
    context: Context, fault: Fault, targets: Sequence[str], seconds: float | None, *, repair: bool
) -> int:
    from stanlocal.api import core_of

    injection.check_time(seconds)
    async with context.opened() as group:
        if not context.json:
            expected = await injection.foresee(await core_of(group), fault, targets)
            context.say(f"expected: {expected.text}")
        injected = await group.inject(fault, *targets, for_s=seconds)
        record = await (injected.outcome() if seconds is None else injected.wait_and_heal())
        if repair:
            said = await group.repair_store()
            record = next(each for each in await group.faults() if each.id == record.id)
            context.say(f"repaired: {said}")
    if context.json:
        context.print_json(record.document())
    else:
        _show_outcome(context, record)
        if record.in_force:
            context.say("it lasts until 'stanlocal heal'")
    return BAD_VERDICT if record.as_expected is False else 0


def _show_outcome(context: Context, record: FaultRecord) -> None:
    if record.observed is None:
        printing.echo("observed: the prediction is not decided yet; see 'stanlocal faults'")
    elif record.as_expected is False:
        printing.echo(Styled(f"observed: {record.observed}", "bold red"))
        context.say("THE PREDICTION WAS WRONG; see 'stanlocal events' for what happened")
    else:
        printing.echo(f"observed: {record.observed}")


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option(
    "--restore/--no-restore",
    default=None,
    help="Put the store back as it was before a fault that copied it.",
)
@pass_context
def heal(context: Context, targets: tuple[str, ...], restore: bool | None) -> None:
    """Undo the faults that are in force on the targets; without targets, all of them."""

    async def work() -> None:
        async with context.opened() as group:
            healed = await group.heal(*targets)
            if not context.json:
                for record in healed:
                    context.say(f"{record.name} on {', '.join(record.targets)} is over")
                    _say_lost(context, record)
                if not healed:
                    context.say("no fault was in force")
            await _offer_copies(context, group, healed, restore)
            await context.show(group)

    run(work())


def _say_lost(context: Context, record: FaultRecord) -> None:
    for channel, (first, last) in (record.notes.get("lost") or {}).items():
        context.say(
            f"{record.notes['second']} alone acknowledged {numbered(first, last)} of '{channel}': readers "
            "will not find all of it, although it is in the store's files"
        )


async def _offer_copies(
    context: Context, group: FTGroup, healed: Sequence[FaultRecord], restore: bool | None
) -> None:
    """Offer the oldest copy of the store: it was made before all of the faults."""
    copies = [name for record in healed if (name := record.notes.get("snapshot"))]
    if not copies:
        return
    if restore is None and sys.stdin.isatty() and not context.json:
        restore = printing.confirm("Put the store back as it was before the fault?")
    if restore:
        aside = await group.put_store_back(copies[0])
        if (await group.look()).status.nodes:  # else the group is down
            await group.wait_state("healthy", timeout=60)
        context.say(f"the store is as it was before; what was in it is the snapshot {aside}")
    else:
        context.say(f"a copy from before is the snapshot {copies[0]}; see 'stanlocal store restore --help'")


@click.command()
@click.option("--list", "which", is_flag=True, help="List the faults that exist.")
@pass_context
def faults(context: Context, which: bool) -> None:
    """Show the faults injected so far, newest last; with --list, the faults that exist."""
    if which:
        if context.json:
            context.print_json({"faults": [{"name": f.name, "summary": f.summary} for f in FAULTS.values()]})
        else:
            for kind in FAULTS.values():
                printing.echo(f"{kind.name:<16} {kind.summary}")
        return

    async def work() -> None:
        async with context.opened() as group:
            recorded = await group.faults()
        if context.json:
            context.print_json({"faults": [fault.document() for fault in recorded]})
            return
        for fault in recorded:
            _show(fault)
        wrong = sum(fault.as_expected is False for fault in recorded)
        if wrong:
            context.say(f"{wrong} of {len(recorded)} predictions were wrong")

    run(work())


def _show(fault: FaultRecord) -> None:
    until = "in force" if fault.in_force else "over"
    verdict = {True: "as expected", False: "NOT AS EXPECTED", None: "not decided"}[fault.as_expected]
    style = "bold red" if fault.as_expected is False else ""
    time = fault.since.astimezone().strftime("%H:%M:%S")
    line = f"{time}  {fault.name:<16} {', '.join(fault.targets):<16} {until:<9} {verdict}"
    printing.echo(Styled(line, style))
    printing.echo(f"  expected: {fault.expected}")
    if fault.observed is not None:
        printing.echo(f"  observed: {fault.observed}")
