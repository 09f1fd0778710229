"""A drill's scenario: what is done to which nodes, when, and until what is so. Pure.

`scenario.scenario_file` reads one, `scenario.schedule` puts its steps in a row.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias

from stanlocal.drill.analysis.verdict import Budget
from stanlocal.drill.scenario.conditions import Condition
from stanlocal.drill.scenario.spec import Kind, LoadSpec
from stanlocal.errors import SettingsError
from stanlocal.faults.base import Fault

ANY_NODE = "@any"
"""The target that the seed draws: one node, whatever it is then."""
ROLES = ("@active", "@standby", "@all")
"""The targets that are resolved when the step is taken."""
WITHIN_S = 30.0
"""How long a condition is waited for where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds: `low`, or with a larger `high` what the seed draws between the two."""

    low: float
    high: float

    @property
    def fixed(self) -> bool:
        """Whether there is nothing to draw."""
        return self.low == self.high


NOW = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Inject:
    """A fault of the registry; without targets it hits those that it hits by default."""

    fault: Fault
    targets: tuple[str, ...] = ()
    lasts: Span | None = None
    """After so many seconds it is healed, and only then the step goes on; None: it stays in force."""

    def __str__(self) -> str:
        return " ".join([self.fault.name, *(self.targets or self.fault.default_targets)])


@dataclass(frozen=True, slots=True)
class Heal:
    """The end of the faults in force on the targets; without any, of all."""

    targets: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join(["heal", *self.targets])


@dataclass(frozen=True, slots=True)
class Repair:
    """Where all nodes refuse the store, as its last record is cut short, the server drops that record."""

    def __str__(self) -> str:
        return "repair"


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is done: for a pause, or a condition alone."""

    def __str__(self) -> str:
        return "wait"


@dataclass(frozen=True, slots=True)
class Publishers:
    """Publishers stop, or go on."""

    on: bool

    def __str__(self) -> str:
        return f"{'start' if self.on else 'stop'}-publishers"


@dataclass(frozen=True, slots=True)
class Subscribers:
    """Subscribers of a kind leave, or come back."""

    on: bool
    kind: Kind

    def __str__(self) -> str:
        return f"{'start' if self.on else 'stop'}-subscribers {self.kind}"


Act: TypeAlias = Inject | Heal | Repair | Wait | Publishers | Subscribers


@dataclass(frozen=True, slots=True)
class Step:
    """One act: after `after`, and not before `at`; done when `until` is so."""

    act: Act
    at: Span | None = None
    """Seconds since the drill began; a moment that has passed is now."""
    after: Span = NOW
    """Seconds since the step before was done."""
    until: Condition | None = None
    within_s: float = WITHIN_S
    """Seconds in which `until` has to be so, else the drill has failed."""
    weight: int = 1
    """How often it is drawn, beside the others of a random block."""


@dataclass(frozen=True, slots=True)
class Block:
    """Steps taken together: in a row, or with `random` one of them, drawn each time by the seed."""

    steps: tuple[Step | Block, ...]
    repeat: int | None = 1
    """How often; None: as long as the drill lasts."""
    random: bool = False
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a drill does, and what it must not cost."""

    name: str
    title: str
    """What it does, in a line."""
    teaches: str
    """What one learns from it."""
    steps: tuple[Step | Block, ...]
    nodes: int = 2
    store_size: str | None = None
    """A limit for the scratch group's store, as settings spell it."""
    proxied: bool = False
    """Whether the scratch group has a proxy in its path, for network faults."""
    duration_s: float | None = None
    """After so many seconds no further step is taken; None: after the last one."""
    load: LoadSpec = field(default_factory=LoadSpec)
    budget: Budget = field(default_factory=Budget)
    source: str = ""
    """The text that it was read from."""


def with_kills(scenario: Scenario, kills: int) -> Scenario:
    """The scenario with `kills` rounds of each block that kills the active node.

    Raises `SettingsError` when it has none.
    """
    steps = tuple(_with_rounds(each, kills) for each in scenario.steps)
    if not any(map(_kills_active, steps)):
        raise SettingsError([f"'{scenario.name}' does not kill @active over and over; try kill-loop"])
    return replace(scenario, steps=steps)


def _with_rounds(entry: Step | Block, kills: int) -> Step | Block:
    return replace(entry, repeat=kills) if isinstance(entry, Block) and _kills_active(entry) else entry


def _kills_active(entry: Step | Block) -> bool:
    """Whether it is a block, taken in a row, one step of which does so."""
    if isinstance(entry, Step) or entry.random:
        return False
    acts = [step.act for step in entry.steps if isinstance(step, Step)]
    return any(
        isinstance(act, Inject) and act.fault.name == "kill" and act.targets == ("@active",) for act in acts
    )


def all_steps(steps: tuple[Step | Block, ...]) -> list[Step]:
    """The steps in blocks, too, each once, in the order in which they are written."""
    found: list[Step] = []
    for each in steps:
        found += [each] if isinstance(each, Step) else all_steps(each.steps)
    return found
