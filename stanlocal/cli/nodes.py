"""Commands that act on nodes: start, stop, restart, kill, pause, unpause, partition, isolate."""

from __future__ import annotations

import signal as signals
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from stanlocal.cli.aio import run
from stanlocal.cli.context import Context, pass_context
from stanlocal.model.plan import STOP_GRACE_S

if TYPE_CHECKING:
    from stanlocal.api import FTGroup
    from stanlocal.faults.injected_fault import InjectedFault

_targets = click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
_grace = click.option(
    "--timeout", type=float, default=float(STOP_GRACE_S), metavar="S", help="Seconds before SIGKILL (30)."
)


def _act(context: Context, act: Callable[[FTGroup], Awaitable[InjectedFault | None]]) -> None:
    async def work() -> None:
        async with context.opened() as group:
            fault = await act(group)
            if fault is not None and not context.json:
                context.say(f"{fault.name} {', '.join(fault.targets)}; expected: {fault.expected}")
            await context.show(group)

    run(work())


@click.command()
@_targets
@pass_context
def start(context: Context, targets: tuple[str, ...]) -> None:
    """Start nodes that do not run."""
    _act(context, lambda group: group.start(*targets))


@click.command()
@_targets
@_grace
@pass_context
def stop(context: Context, targets: tuple[str, ...], timeout: float) -> None:
    """Stop nodes: SIGTERM, then SIGKILL when time is over, on a cluster no later than by the pod's grace."""
    _act(context, lambda group: group.stop(*targets, timeout=timeout))


@click.command()
@_targets
@_grace
@pass_context
def restart(context: Context, targets: tuple[str, ...], timeout: float) -> None:
    """Stop nodes and start them again, one after the other."""
    _act(context, lambda group: group.restart(*targets, timeout=timeout))


@click.command()
@_targets
@click.option("--signal", default="KILL", metavar="NAME", help="KILL, TERM, INT, QUIT, HUP, USR1, ...")
@pass_context
def kill(context: Context, targets: tuple[str, ...], signal: str) -> None:
    """Kill nodes; killing @active makes a standby take over, see 'stanlocal failovers'."""
    from stanlocal.faults.kill import ENDING_SIGNALS

    name = signal_name(signal)
    if name in ENDING_SIGNALS:
        _act(context, lambda group: group.kill(*targets, signal=name))
    else:
        _act(context, lambda group: group.send_signal(name, *targets))


def signal_name(text: str) -> str:
    """Return the full name of a signal: SIGTERM for `term` or `15`. Raises `BadParameter` for no signal."""
    name = text.upper() if text.upper().startswith("SIG") else f"SIG{text.upper()}"
    if text.isdigit() and int(text) in {each.value for each in signals.Signals}:
        name = signals.Signals(int(text)).name
    if name not in signals.Signals.__members__:
        raise click.BadParameter(
            f"no signal '{text}'; name one such as KILL, TERM or HUP", param_hint="'--signal'"
        )
    return name


@click.command()
@_targets
@pass_context
def pause(context: Context, targets: tuple[str, ...]) -> None:
    """Freeze nodes; an active one keeps the store lock, which blocks the group."""
    _act(context, lambda group: group.pause(*targets))


@click.command()
@_targets
@pass_context
def unpause(context: Context, targets: tuple[str, ...]) -> None:
    """Resume frozen nodes."""
    _act(context, lambda group: group.unpause(*targets))


@click.command()
@_targets
@pass_context
def partition(context: Context, targets: tuple[str, ...]) -> None:
    """Cut nodes' routes to the others; their clients still reach them. Undone by 'heal'."""
    _act(context, lambda group: group.partition(*targets))


@click.command()
@_targets
@pass_context
def isolate(context: Context, targets: tuple[str, ...]) -> None:
    """Cut nodes off from nodes and clients; an active one keeps the store lock. Undone by 'heal'."""
    _act(context, lambda group: group.isolate(*targets))
