"""The scenario of a drill: faults, their targets and times, and the conditions to wait for. Pure.

`scenario.scenario_file` reads one, `scenario.schedule` puts its steps in a row.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias

from stanlocal.drill.analysis.verdict import Budget
from stanlocal.drill.scenario.conditions import Condition
from stanlocal.drill.scenario.spec import LoadSpec, ReaderKind
from stanlocal.errors import SettingsError
from stanlocal.faults.base import Fault

ANY_NODE = "@any"
"""Target drawn by the seed: one node, in any role."""
ROLES = ("@active", "@standby", "@all")
"""Targets that are resolved when the step is taken."""
WITHIN_S = 30.0
"""Default time to wait for a condition."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time in seconds: `low`, or with a larger `high` drawn by the seed between the two."""

    low: float
    high: float

    @property
    def fixed(self) -> bool:
        """Whether nothing is drawn."""
        return self.low == self.high


NOW = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Inject:
    """A fault of the registry; without targets it hits its default ones."""

    fault: Fault
    targets: tuple[str, ...] = ()
    lasts: Span | None = None
    """Time after which it is healed, before the step continues; None to leave it in force."""

    def __str__(self) -> str:
        return " ".join([self.fault.name, *(self.targets or self.fault.default_targets)])


@dataclass(frozen=True, slots=True)
class Heal:
    """The end of the faults in force on the targets; without targets, of all."""

    targets: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join(["heal", *self.targets])


@dataclass(frozen=True, slots=True)
class Repair:
    """A repair of the store, if all nodes refuse it because its last record is torn."""

    def __str__(self) -> str:
        return "repair"


@dataclass(frozen=True, slots=True)
class Wait:
    """No act: for a pause, or a condition alone."""

    def __str__(self) -> str:
        return "wait"


@dataclass(frozen=True, slots=True)
class Publishers:
    """A stop or start of publishers."""

    on: bool

    def __str__(self) -> str:
        return f"{'start' if self.on else 'stop'}-publishers"


@dataclass(frozen=True, slots=True)
class Subscribers:
    """A stop or start of the subscribers of a kind."""

    on: bool
    kind: ReaderKind

    def __str__(self) -> str:
        return f"{'start' if self.on else 'stop'}-subscribers {self.kind}"


Act: TypeAlias = Inject | Heal | Repair | Wait | Publishers | Subscribers


@dataclass(frozen=True, slots=True)
class Step:
    """One act: after `after`, and not before `at`; done when `until` is met."""

    act: Act
    at: Span | None = None
    """Seconds since the drill began; a time in the past means now."""
    after: Span = NOW
    """Seconds since the step before was done."""
    until: Condition | None = None
    within_s: float = WITHIN_S
    """Seconds in which `until` must be met, or the drill fails."""
    weight: int = 1
    """Relative frequency within a random block."""


@dataclass(frozen=True, slots=True)
class Block:
    """Steps taken together: in a row, or with `random` one of them, drawn each time by the seed."""

    steps: tuple[Step | Block, ...]
    repeat: int | None = 1
    """Number of rounds; None for as long as the drill lasts."""
    random: bool = False
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Scenario:
    """The steps of a drill, with load and budget."""

    name: str
    title: str
    """Its purpose in one line."""
    teaches: str
    """The lesson, in a few sentences."""
    steps: tuple[Step | Block, ...]
    nodes: int = 2
    store_size: str | None = None
    """A limit for the scratch group's store, as settings spell it."""
    proxied: bool = False
    """Whether the scratch group has a proxy in its path, for network faults."""
    secure: bool = False
    """Whether the scratch group has TLS and a login, for faults of certificates."""
    duration_s: float | None = None
    """Time after which no further step is taken; None for no limit."""
    load: LoadSpec = field(default_factory=LoadSpec)
    budget: Budget = field(default_factory=Budget)
    source: str = ""
    """Text of its file."""


def with_kills(scenario: Scenario, kills: int) -> Scenario:
    """Return the scenario with `kills` rounds of each block that kills the active node.

    Raises `SettingsError` when it has none.
    """
    steps = tuple(_with_rounds(each, kills) for each in scenario.steps)
    if not any(map(_kills_active, steps)):
        raise SettingsError([f"'{scenario.name}' does not kill @active over and over; try kill-loop"])
    return replace(scenario, steps=steps)


def _with_rounds(entry: Step | Block, kills: int) -> Step | Block:
    return replace(entry, repeat=kills) if isinstance(entry, Block) and _kills_active(entry) else entry


def _kills_active(entry: Step | Block) -> bool:
    """Return whether it is a sequential block with such a step."""
    if isinstance(entry, Step) or entry.random:
        return False
    acts = [step.act for step in entry.steps if isinstance(step, Step)]
    return any(
        isinstance(act, Inject) and act.fault.name == "kill" and act.targets == ("@active",) for act in acts
    )


def all_steps(steps: tuple[Step | Block, ...]) -> list[Step]:
    """Return all steps, including those in blocks, each once, in the order of the file."""
    found: list[Step] = []
    for each in steps:
        found += [each] if isinstance(each, Step) else all_steps(each.steps)
    return found


def costs(scenario: Scenario) -> set[str]:
    """Return the data-loss warnings of the scenario's faults."""
    faults = [step.act.fault for step in all_steps(scenario.steps) if isinstance(step.act, Inject)]
    return {fault.costs_data for fault in faults if fault.costs_data}
