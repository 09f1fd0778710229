"""Predictions: what a fault will do, as data that is compared with what happened. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from stanlocal.model.states import GroupState, GroupStatus, NodeState, NodeStatus

LOCK_WAIT_S = 1.4
"""Seconds after the last heartbeat within which a standby tries for the store lock (1.125 to 1.375)."""
SETTLES_S = 5.0
"""Seconds in which a group with a small store settles after a fault."""
NO_TAKEOVER_S = 2.0
"""Seconds to wait before concluding that no node takes over: longer than a takeover lasts."""
_REPLACED_S = 60.0
"""Seconds in which a cluster makes a pod again and its server is back: 2 to 5, more on busy machines."""
_READING_S = 60.0
"""Extra seconds for recovery of a large store before a prediction counts as wrong."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """The predicted group once it has settled after a fault."""

    text: str
    """The prediction as a sentence."""
    states: tuple[GroupState, ...]
    """The group's state will be one of these."""
    active: tuple[str, ...] = ()
    """Candidates for the one active node; empty if none or several will serve."""
    within_s: float = SETTLES_S
    """Seconds after the fault within which the group settles."""
    holds_s: float = 0.0
    """Seconds that the prediction must hold once met, where the point is that nothing follows."""

    @property
    def ends_service(self) -> bool:
        """Whether no node will serve."""
        return not self.active and not {*self.states}.isdisjoint(_NO_NODE_SERVES)

    def met_by(self, status: GroupStatus) -> bool:
        """Whether the group is as expected."""
        serves = status.active in self.active if self.active else status.active is None
        return status.state in self.states and serves

    def document(self) -> dict[str, Any]:
        """Return the fields that the journal keeps besides the text."""
        return {
            "states": [state.value for state in self.states],
            "active": list(self.active),
            "within_s": self.within_s,
            "holds_s": self.holds_s,
        }

    @classmethod
    def from_document(cls, text: str | None, document: Mapping[str, Any]) -> Expectation | None:
        """Return the prediction from the journal; None if it has none, or one of a later version."""
        try:
            states = tuple(GroupState(state) for state in document["states"])
            active = tuple(str(name) for name in document["active"])
            within, holds = float(document["within_s"]), float(document["holds_s"])
        except (KeyError, ValueError, TypeError):
            return None
        return cls(text or "", states, active, within, holds)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The observed outcome of a fault."""

    text: str
    as_expected: bool | None
    """None: the fault was over before the prediction was confirmed or refuted."""


def judge(
    expected: Expectation,
    served: str | None,
    hit: datetime,
    span: Sequence[tuple[datetime, GroupStatus]],
    end: datetime,
    *,
    over: bool,
) -> Outcome | None:
    """Compare a prediction with what followed a fault at `hit`, when `served` was active.

    `span` holds the group's statuses from then until `end`: when the fault was healed or the next one began
    (`over`), else now. Return None while it is undecided.
    """
    if not span:
        return None
    final = span[-1][1]
    text = _describe(served, hit, span)
    if expected.met_by(final):
        return Outcome(text, True)
    limit_s = expected.within_s + (_READING_S if final.state is GroupState.RECOVERING else 0)
    if end - hit >= timedelta(seconds=limit_s):
        return Outcome(text, False)
    return Outcome(f"over before it had settled: {text}", None) if over else None


def _describe(served: str | None, hit: datetime, span: Sequence[tuple[datetime, GroupStatus]]) -> str:
    final = span[-1][1]
    serving = [node.name for node in final.nodes if node.serves]
    if final.active is None:
        who = f"{' and '.join(serving)} both serve" if serving else "no node serves"
    elif final.active == served:
        who = f"no failover: {served} serves on"
    else:
        took = (_since(final.active, span) - hit).total_seconds()
        who = f"{'failover: ' if served else ''}{final.active} serves after {took:.2f} s"
    state = f"the group is {final.state.value}" + (f" ({final.problem})" if final.problem else "")
    failed = (f"{node.name} failed: {node.problem}" for node in final.nodes if node.state is NodeState.FAILED)
    return "; ".join((who, state, *failed))


def _since(active: str, span: Sequence[tuple[datetime, GroupStatus]]) -> datetime:
    """Return the time since which `active` has been the active node."""
    since = span[-1][0]
    for time, status in reversed(span):
        if status.active != active:
            break
        since = time
    return since


# Predictions that several faults share


def names(nodes: Iterable[NodeStatus]) -> str:
    """Join node names for a sentence: `stan-0`, `stan-0 and stan-1`."""
    return " and ".join(node.name for node in nodes)


def nothing_follows(
    text: str, status: GroupStatus, states: tuple[GroupState, ...], *, active: str | None
) -> Expectation:
    """Predict that the group is in one of `states` at once, and that no node takes over."""
    serving = (active,) if active else ()
    return Expectation(text, states if status.nodes else (), serving, holds_s=NO_TAKEOVER_S)


def lock_kept(
    status: GroupStatus, targets: Sequence[NodeStatus], *, holder: str, otherwise: str
) -> Expectation:
    """Predict the effect of targets that live but are out of reach; only the end of a process frees a lock.

    `holder` completes the sentence about the target with the store lock, `otherwise` that about the others.
    """
    holding = [node for node in targets if node.holds_store]
    if holding:
        text = f"no failover: {names(holding)} {holder}"
        return nothing_follows(text, status, (GroupState.BLOCKED, GroupState.SPLIT_BRAIN), active=None)
    if status.active is None:
        text = "no failover: no active node is hit, and no node served before"
        return nothing_follows(text, status, (status.state, GroupState.BLOCKED), active=None)
    text = f"no failover: {status.active} serves on; {otherwise}"
    return nothing_follows(text, status, (GroupState.DEGRADED,), active=status.active)


def after_end(
    status: GroupStatus, targets: Sequence[NodeStatus], *, back: bool = False, held: bool = False
) -> Expectation:
    """Predict the effect of ending the targets' processes; with `back` they are started again at once.

    A cluster starts them at once in any case, unless they are `held`, so that one may win the lock itself.
    """
    if not held and any(node.instance.plan.in_cluster for node in targets):
        return _after_replacement(status, targets)
    hit = {node.name for node in targets}
    others = [node for node in status.nodes if node.name not in hit]
    serving = tuple(node.name for node in others if node.serves)
    standbys = tuple(node.name for node in others if node.usable_standby)
    whole = back and all(node.serves or node.usable_standby for node in others)
    settled = (GroupState.HEALTHY if whole else GroupState.DEGRADED,)
    if serving:
        left = "" if standbys or back else "; no standby is left"
        return Expectation(
            f"no failover: {' and '.join(serving)} serves on, as no active node is hit{left}",
            settled,
            serving,
            holds_s=0 if back else NO_TAKEOVER_S,
        )
    if not any(node.holds_store for node in targets):
        return Expectation("no failover: no active node is hit, and no node served before", _NO_NODE_SERVES)
    if standbys:
        who = standbys[0] if len(standbys) == 1 else f"one of {', '.join(standbys)}"
        text = f"failover: {who} takes the store lock within {LOCK_WAIT_S} s, reads the store and serves"
        candidates = standbys + (tuple(sorted(hit)) if len(hit) > 1 and back else ())
        return Expectation(text, settled, candidates)
    if back:
        return Expectation(
            f"{names(targets)} comes back and serves again: no standby is there to take over",
            settled,
            tuple(sorted(hit)),
        )
    return Expectation(
        "no node serves afterwards: no standby is there to take over", _NO_NODE_SERVES, holds_s=NO_TAKEOVER_S
    )


def _after_replacement(status: GroupStatus, targets: Sequence[NodeStatus]) -> Expectation:
    """Predict the effect of ending pods, which a cluster makes again at once."""
    hit = {node.name for node in targets}
    others = [node for node in status.nodes if node.name not in hit]
    whole = all(node.serves or node.usable_standby for node in others)
    settled = (GroupState.HEALTHY if whole else GroupState.DEGRADED,)
    serving = tuple(node.name for node in others if node.serves)
    standbys = tuple(node.name for node in others if node.usable_standby)
    if serving:
        text = f"no failover: {' and '.join(serving)} serves on; the cluster makes {names(targets)} again"
        return Expectation(text, settled, serving, within_s=_REPLACED_S)
    again = tuple(sorted(hit))
    if not standbys:
        text = f"{names(targets)} comes back, as the cluster makes its pod again, and serves"
        return Expectation(text, settled, again, within_s=_REPLACED_S)
    who = standbys[0] if len(standbys) == 1 else f"one of {', '.join(standbys)}"
    text = (
        f"failover: {who} takes the store lock within {LOCK_WAIT_S} s and serves, unless {names(targets)}, "
        "which the cluster makes again at once, wins it back"
    )
    return Expectation(text, settled, standbys + again, within_s=_REPLACED_S)


_NO_NODE_SERVES = (GroupState.DOWN, GroupState.BLOCKED, GroupState.STARTING, GroupState.FAILOVER)
