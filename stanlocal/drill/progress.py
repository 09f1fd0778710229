"""How a drill that is under way goes, for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass, field

from stanlocal.drill.load.load_meter import LoadStats
from stanlocal.model.states import GroupStatus


@dataclass(frozen=True, slots=True)
class Progress:
    """A drill at one moment."""

    doing: str
    """The step that is taken, or what else goes on."""
    elapsed_s: float = 0.0
    """Since the load began."""
    steps: int = 0
    """Begun so far."""
    of_steps: int | None = None
    """None where nobody knows how many there will be."""
    duration_s: float | None = None
    """After so many seconds it ends; None where it ends with its last step."""
    status: GroupStatus | None = None
    """None before the group is up."""
    faults: tuple[str, ...] = ()
    """Those in force, with the nodes that they hit."""
    failovers: int = 0
    load: LoadStats = field(default_factory=LoadStats)

    @property
    def share(self) -> float | None:
        """How much of it is done, from 0 to 1; None where that cannot be told."""
        if self.duration_s:
            return min(self.elapsed_s / self.duration_s, 1.0)
        return max(self.steps - 1, 0) / self.of_steps if self.of_steps else None
