"""The recorder of scenarios: faults injected by hand, as a scenario that repeats them. Pure.

Targets become a role if they were all nodes with that role; times become pauses between steps. A fault that
ended before the next one becomes one step with `for`; if faults overlapped, each end is a step of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from stanlocal.drill.scenario.parameters import field_name
from stanlocal.errors import Refused
from stanlocal.faults.registry import FAULTS
from stanlocal.model.fault_record import FaultRecord
from stanlocal.model.plan import GroupPlan
from stanlocal.model.states import GroupState, GroupStatus, NodeState
from stanlocal.settings.values import format_size

_SLACK = timedelta(milliseconds=1)


@dataclass(slots=True)
class _Entry:
    """A step: its start, its end, and its fields."""

    begin: datetime
    end: datetime
    values: dict[str, Any] = field(default_factory=dict)


def recorded_scenario(
    plan: GroupPlan,
    faults: Sequence[FaultRecord],
    seen: Sequence[tuple[datetime, GroupStatus]],
    since: datetime | None = None,
) -> str:
    """Return the TOML of a scenario that repeats these faults; `seen` holds the group's states in time order.

    Raises `Refused` when there was no fault (since `since`).
    """
    done = [each for each in faults if each.effective and (since is None or each.since >= since)]
    if not done:
        raise Refused(
            f"there is no fault on '{plan.group}' to record; break something first, for example "
            "by 'stanlocal kill @active' and 'stanlocal heal'"
        )
    entries = sorted(_entries(plan, done, seen), key=lambda entry: entry.begin)
    before: datetime | None = None
    for entry, following in zip(entries, [*entries[1:], None], strict=True):
        if before is not None:
            entry.values["after"] = _seconds(entry.begin - before)
        healthy = _healthy_at(seen, entry.end, following.begin if following else None)
        if healthy is not None:
            entry.values["until"] = GroupState.HEALTHY.value
        before = max(entry.end, healthy or entry.end)
    return _toml(plan, entries)


def _entries(
    plan: GroupPlan, done: Sequence[FaultRecord], seen: Sequence[tuple[datetime, GroupStatus]]
) -> Iterator[_Entry]:
    for fault in done:
        hit = max(fault.times.values(), default=fault.since)
        status = next((status for time, status in reversed(seen) if time < fault.since), None)
        values: dict[str, Any] = {"do": fault.name, "targets": _targets(plan, fault, status)}
        values |= _parameters(fault)
        over = fault.healed_at
        if fault.leaves is None or over is None:
            yield _Entry(fault.since, over or hit, values)
        elif _apart(fault.since, over, done):
            values["for"] = _seconds(over - hit)
            yield _Entry(fault.since, over, values)
        else:
            values["targets"] = _indexes(plan, fault.targets)
            yield _Entry(fault.since, hit, values)
            yield _Entry(over, over, {"do": "heal", "targets": _indexes(plan, fault.targets)})


def _apart(begin: datetime, end: datetime, done: Sequence[FaultRecord]) -> bool:
    """Return whether no other fault began or ended between the two times."""
    moments = [moment for each in done for moment in (each.since, each.healed_at) if moment is not None]
    return not any(begin < moment < end - _SLACK for moment in moments)


def _targets(plan: GroupPlan, fault: FaultRecord, status: GroupStatus | None) -> list[str]:
    """Return the targets by role, where these nodes were all that had it; else by index."""
    hit = set(fault.targets)
    if hit == {node.name for node in plan.nodes} and len(hit) > 1:
        return ["@all"]
    for role in (NodeState.ACTIVE, NodeState.STANDBY):
        if status is not None and hit == {node.name for node in status.nodes if node.state is role}:
            return [f"@{role.value}"]
    return _indexes(plan, fault.targets)


def _indexes(plan: GroupPlan, names: Sequence[str]) -> list[str]:
    return [str(node.index) for node in plan.nodes if node.name in names]


def _parameters(fault: FaultRecord) -> dict[str, Any]:
    """Return the parameters that differ from their defaults."""
    kind = FAULTS.get(fault.name)
    given = fault.notes.get("parameters") or {}
    if kind is None:
        return {}
    return {
        field_name(each.name): given[each.name]
        for each in fields(kind)  # type: ignore[arg-type]  # faults are dataclasses
        if given.get(each.name) is not None and given[each.name] != each.default
    }


def _healthy_at(
    seen: Sequence[tuple[datetime, GroupStatus]], begin: datetime, end: datetime | None
) -> datetime | None:
    """Return the first time from `begin` on at which the group was healthy, if before `end`."""
    now = next((status for time, status in reversed(seen) if time <= begin), None)
    if now is not None and now.state is GroupState.HEALTHY:
        return begin
    later = ((time, status) for time, status in seen if time > begin and (end is None or time <= end))
    return next((time for time, status in later if status.state is GroupState.HEALTHY), None)


def _seconds(duration: timedelta) -> float:
    return round(max(duration.total_seconds(), 0.0), 2)


def _toml(plan: GroupPlan, entries: Sequence[_Entry]) -> str:
    begun = entries[0].begin
    lines = [
        f"title = {_value(f'What was done to {plan.group} on {begun:%Y-%m-%d at %H:%M:%S} UTC')}",
        "",
        "[group]",
        f"nodes = {len(plan.nodes)}",
    ]
    if plan.store_size is not None:
        lines.append(f"store_size = {_value(format_size(plan.store_size))}")
    for entry in entries:
        lines += ["", "[[step]]", *(f"{name} = {_value(value)}" for name, value in entry.values.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    """Return a value in TOML, which for these types equals JSON."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return json.dumps(value)
