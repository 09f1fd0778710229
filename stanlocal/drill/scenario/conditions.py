"""Conditions that a drill waits for: a state, failovers, messages acknowledged or delivered. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from stanlocal.model.states import GroupState


@dataclass(frozen=True, slots=True)
class Seen:
    """The values that a condition is compared with: the state now, and counts since the step began."""

    state: GroupState
    failovers: int = 0
    """Number of complete failovers."""
    acked: int = 0
    delivered: int = 0


@dataclass(frozen=True, slots=True)
class Condition:
    """A state and least counts, all of which have to be reached; a count of 0 is always met."""

    state: GroupState | None = None
    failovers: int = 0
    acked: int = 0
    delivered: int = 0

    def missing(self, seen: Seen) -> str:
        """Return what is missing, in words; empty when the condition is met."""
        found = []
        if self.state is not None and seen.state is not self.state:
            found.append(f"the group is {seen.state.value}, not {self.state.value}")
        for what in ("failovers", "acked", "delivered"):
            wanted, there = getattr(self, what), getattr(seen, what)
            if there < wanted:
                found.append(f"{there} of {wanted} {what}")
        return ", ".join(found)

    def __str__(self) -> str:
        counts = {
            "failover": self.failovers,
            "message acked": self.acked,
            "message delivered": self.delivered,
        }
        words = [_count(count, what) for what, count in counts.items() if count]
        return ", ".join([self.state.value, *words] if self.state else words)


def _count(count: int, what: str) -> str:
    noun, *rest = what.split()
    return " ".join([str(count), noun if count == 1 else f"{noun}s", *rest])
