"""Outcomes of a group's faults, derived from its history, also if no tool watched them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from stanlocal.errors import WaitTimeout
from stanlocal.faults.base import on_record
from stanlocal.faults.expectation import Expectation, Outcome, judge
from stanlocal.group.core import Group
from stanlocal.history.timeline import statuses
from stanlocal.model.fault_record import HEALING, FaultRecord
from stanlocal.model.states import GroupStatus


async def with_outcomes(group: Group) -> list[FaultRecord]:
    """Return every fault on record with its observed outcome, oldest first."""
    plan, past = await group.history()
    recorded = group.home.journal.faults()
    history = list(statuses(plan, past))
    now = datetime.now(UTC)
    return [_with_outcome(fault, recorded, history, now) for fault in recorded]


async def watch_outcome(group: Group, fault: FaultRecord, *, at_most: float | None = None) -> FaultRecord:
    """Wait until the prediction is confirmed or refuted, at most `at_most` seconds; record the outcome."""
    expected = Expectation.from_document(fault.expected, fault.predicted)
    assert expected is not None, "a fault that was injected just now"
    within = expected.within_s if at_most is None else min(at_most, expected.within_s)
    holds = expected.holds_s if at_most is None else min(at_most, expected.holds_s)
    try:
        await group.wait(expected.met_by, timeout=within, waiting_for="the prediction to be met")
        await group.wait(
            lambda status: not expected.met_by(status), timeout=holds, waiting_for="it to fail after all"
        )
    except WaitTimeout:
        pass  # the outcome is derived from the history, whichever of the two waits ran out
    found = on_record(group, await with_outcomes(group), fault.id)
    if found.observed is not None and fault.observed is None:
        group.home.journal.fault_observed(fault.id, found.observed, found.as_expected)
    return found


def _with_outcome(
    fault: FaultRecord,
    recorded: Sequence[FaultRecord],
    history: Sequence[tuple[datetime, GroupStatus]],
    now: datetime,
) -> FaultRecord:
    expected = Expectation.from_document(fault.expected, fault.predicted)
    if fault.observed is not None or expected is None or not fault.times:
        return fault
    hit = min(fault.times.values())
    begin, end, over = _window(fault, recorded, hit, now)
    before = [status for time, status in history if time < fault.since]
    span = [(time, status) for time, status in history if begin <= time < end]
    served = before[-1].active if before else None
    outcome: Outcome | None = judge(expected, served, begin, span, end, over=over)
    if outcome is None:
        return fault
    observed = "; ".join(filter(None, (outcome.text, fault.notes.get("felt"))))
    return replace(fault, observed=observed, as_expected=outcome.as_expected)


def _window(
    fault: FaultRecord, recorded: Sequence[FaultRecord], hit: datetime, now: datetime
) -> tuple[datetime, datetime, bool]:
    """Return the time span in which all effects came from this fault, and whether it is over."""
    ends = [other.since for other in recorded if other.since > fault.since]
    begin = hit
    if fault.leaves is None:  # its outcome begins when its injection is done
        begin = max(fault.times.values(), default=hit)
    elif healing := fault.notes.get(HEALING):
        ends.append(datetime.fromisoformat(healing))
    elif fault.healed:  # by a version that did not record the start of healing
        ends.append(min(fault.healed.values()))
    end = min(ends, default=now)
    return begin, min(end, now), bool(ends)
