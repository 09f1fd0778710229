"""The progress of a running drill, as interfaces show it."""

from __future__ import annotations

from dataclasses import dataclass, field

from stanlocal.drill.load.load_meter import LoadStats
from stanlocal.model.states import GroupStatus


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a drill at one moment."""

    doing: str
    """Current step or phase."""
    elapsed_s: float = 0.0
    """Seconds since the load began."""
    steps: int = 0
    """Number of steps begun."""
    of_steps: int | None = None
    """Number of steps; None where it is unknown."""
    duration_s: float | None = None
    """Length in seconds; None where the drill ends with its last step."""
    status: GroupStatus | None = None
    """State of the group; None before it is up."""
    faults: tuple[str, ...] = ()
    """Faults in force, with the nodes that they hit."""
    failovers: int = 0
    load: LoadStats = field(default_factory=LoadStats)

    @property
    def share(self) -> float | None:
        """Completed share, from 0 to 1; None where it is unknown."""
        if self.duration_s:
            return min(self.elapsed_s / self.duration_s, 1.0)
        return max(self.steps - 1, 0) / self.of_steps if self.of_steps else None
