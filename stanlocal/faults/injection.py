"""Injection of faults, recorded in the journal.

The intent is in the journal before anything happens, so that later commands find the fault of a killed
tool. An injection holds the group's lock and first heals faults that are overdue.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from stanlocal.engine.base import require
from stanlocal.errors import SettingsError, StateError
from stanlocal.faults.base import Fault, Scene, check, on_record
from stanlocal.faults.expectation import Expectation
from stanlocal.faults.healing import changing, close_condition, undo
from stanlocal.group.core import Group
from stanlocal.model.fault_record import Condition, FaultRecord
from stanlocal.model.plan import GroupPlan
from stanlocal.model.targets import resolve
from stanlocal.util.tasks import all_to_end, run_to_end

LONGEST_S = 365 * 86_400.0
"""Longest time in seconds for a fault with an end: a year."""


async def foresee(group: Group, fault: Fault, targets: Sequence[str] = ()) -> Expectation:
    """Return the prediction for the group as it is now; raise as `inject` does. Changes nothing."""
    look = await group.look()
    nodes = resolve(look.status, targets or fault.default_targets)
    await check(fault, Scene(group, look.plan, look.status, nodes, lambda notes: None))
    return fault.expect(look.status, nodes)


async def inject(
    group: Group, fault: Fault, targets: Sequence[str] = (), *, for_s: float | None = None
) -> FaultRecord:
    """Inject a fault; return its record once the engine confirms the effect.

    With `for_s` the fault ends `for_s` seconds after its effect: the caller heals it then, or else the next
    command that changes the group. An injection that fails, is cancelled or cannot be recorded is undone,
    once what it had begun has ended. Raise `NodeNotFound` for unknown targets and `SettingsError` for an
    impossible time, before anything is touched.
    """
    check_time(for_s)
    async with changing(group):
        look = await group.look()
        nodes = resolve(look.status, targets or fault.default_targets)
        id_ = secrets.token_hex(4)
        journal = group.home.journal

        def note(notes: Mapping[str, Any]) -> None:
            journal.fault_noted(id_, notes)

        scene = Scene(group, look.plan, look.status, nodes, note)
        await check(fault, scene)
        expected = fault.expect(look.status, nodes)
        leaves = left_by(fault, look.plan)
        journal.fault_started(
            id_,
            fault.name,
            [node.name for node in nodes],
            runs={node.name: node.instance.started_at for node in nodes if node.instance.started_at},
            until=_end(for_s),
            expected=expected.text,
            predicted=expected.document(),
            ends_run=fault.ends_run,
            leaves=leaves,
            notes=_notes(fault, look.status.active),
        )
        try:
            times = await fault.inject(scene)
            journal.fault_took_effect(id_, times, _end(for_s))
            if leaves is None:
                journal.fault_healed(id_)
            if fault.ends_run:
                close_condition(group, "frozen", [node.name for node in nodes])
        except BaseException as error:
            await run_to_end(undo(group, [recorded(group, id_)]))
            if isinstance(error, StateError):
                raise StateError(f"{fault.name} was undone, as it cannot be recorded: {error}") from error
            raise
        return recorded(group, id_)


def left_by(fault: Fault, plan: GroupPlan) -> Condition | None:
    """Return the condition that healing has to end; a cluster replaces ended nodes by itself."""
    return None if plan.in_cluster and fault.leaves == "ended" and not fault.holds else fault.leaves


def check_time(for_s: float | None) -> None:
    """Raise `SettingsError` unless a fault can last `for_s` seconds; None: until it is healed."""
    if for_s is not None and not 0 <= for_s <= LONGEST_S:
        raise SettingsError([f"a fault cannot last {for_s:g} s; give 0 to {LONGEST_S:.0f}"])


def _notes(fault: Fault, active: str | None) -> dict[str, Any]:
    """Return the notes of a new fault: its parameters, and the active node, whose log may roll off later."""
    found = {"parameters": parameter_values(fault), "active": active}
    return {name: value for name, value in found.items() if value}


def _end(for_s: float | None) -> datetime | None:
    """Return the end of a fault that lasts `for_s` seconds from now on."""
    return datetime.now(UTC) + timedelta(seconds=for_s) if for_s is not None else None


def parameter_values(fault: Fault) -> dict[str, Any]:
    """Return the fault's parameters by name, as the journal keeps them."""
    return {each.name: getattr(fault, each.name) for each in fields(fault)}  # type: ignore[arg-type]


def recorded(group: Group, id_: str) -> FaultRecord:
    """Return the fault of that id, as it is in the journal now; raise `GroupNotFound` if it is not there."""
    return on_record(group, group.home.journal.faults(), id_)


async def send_signal(group: Group, targets: Sequence[str], signal: str) -> None:
    """Send a signal that ends no process; it leaves nothing to record or to undo."""
    require(group.engine, ("end", "signal"))
    look = await group.look()
    nodes = resolve(look.status, targets)
    await group.engine.admit(group.name, [node.name for node in nodes], holds=False)
    await all_to_end(*(group.engine.signal(node.name, signal) for node in nodes))
