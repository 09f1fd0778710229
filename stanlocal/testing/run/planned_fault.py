"""The faults that are injected while a command runs: what, where, how long and when. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from stanlocal.drill.scenario.scenario import ANY_NODE, ROLES
from stanlocal.errors import SettingsError
from stanlocal.faults.base import Fault
from stanlocal.faults.registry import FAULTS
from stanlocal.settings.values import parse_duration
from stanlocal.util.nearest import nearest

SHORTEST_S = 0.1
"""Least time in seconds from one injection of a fault to its next one."""


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """A fault, injected once or over and over; times are seconds since the command began."""

    fault: Fault
    targets: tuple[str, ...]
    """Targets; empty for the fault's default ones."""
    lasts_s: float | None
    """Seconds from its effect to its end; None: until the group has got over it, or the command ends."""
    first_s: float
    every_s: float | None
    """Seconds from one injection to the next; None: there is only one."""

    def __str__(self) -> str:
        return " ".join([self.fault.name, *(self.targets or self.fault.default_targets)])

    def drawn_targets(self, nodes: int, random: Random) -> tuple[str, ...]:
        """Return the targets of one injection, with a node drawn for each `@any`."""
        return tuple(
            str(random.randrange(nodes)) if target == ANY_NODE else target for target in self.targets
        )

    def next_s(self, due_s: float, now_s: float) -> float | None:
        """Return when it is due after `due_s`; times that are past by `now_s` are left out. None: never."""
        if self.every_s is None:
            return None
        rounds = max(1, math.ceil((now_s - due_s) / self.every_s))
        return due_s + rounds * self.every_s


def plan_faults(given: Iterable[tuple[str, str | float]]) -> list[PlannedFault]:
    """Return the faults that options ask for: pairs of `fault`, `every` or `after` and its value, in order.

    `every` and `after` belong to the fault before them. Raises `SettingsError` with all problems.
    """
    faults: list[tuple[str, dict[str, float]]] = []
    problems: list[str] = []
    for name, value in given:
        if name == "fault":
            faults.append((str(value), {}))
        elif not faults:
            problems.append(
                f"--{name} belongs to a fault: write it after one, as in '--fault kill --{name} 5s'"
            )
        elif name in faults[-1][1]:
            problems.append(f"--{name} is given twice for '{faults[-1][0]}'; repeat the --fault, too")
        else:
            faults[-1][1][name] = float(value)
    planned: list[PlannedFault] = []
    for spec, times in faults:
        try:
            planned.append(_planned(spec, times.get("after"), times.get("every")))
        except SettingsError as error:
            problems += error.problems
    if problems:
        raise SettingsError(problems)
    return planned


def _planned(spec: str, after: float | None, every: float | None) -> PlannedFault:
    name, _, rest = spec.partition(":")
    where, _, length = rest.partition(":")
    if name not in FAULTS:
        raise SettingsError([f"--fault {spec}: no fault '{name}'; {nearest(name, FAULTS)}"])
    kind = FAULTS[name]
    targets = tuple(where.split(",")) if where else ()
    problems = [problem for target in targets if (problem := _unknown(target))]
    lasts_s = _seconds(length, problems) if length else None
    if lasts_s is not None and kind.leaves is None:
        problems.append(f"{name} ends by itself: leave the length '{length}' out")
    if after is None and every is None:
        problems.append("say when, as in '--every 5s' for over and over, or '--after 3s' for once")
    if every is not None and every < SHORTEST_S:
        problems.append(f"'--every' is at least {SHORTEST_S:g} s")
    if every is not None and lasts_s is None and kind.leaves is not None and not kind.ends_run:
        example = ":".join([name, where or kind.default_targets[0], "2s"])
        problems.append(f"{name} lasts until it is healed: say for how long, as in '{example}'")
    if problems:
        raise SettingsError([f"--fault {spec}: {problem}" for problem in problems])
    first_s = after if after is not None else every or 0.0
    return PlannedFault(kind(), targets, lasts_s, first_s, every)


def _unknown(target: str) -> str | None:
    """Return what is wrong with a target; None if it may be one: a role, or a node's name or index."""
    known = (*ROLES, ANY_NODE)
    if target in known or (target and not target.startswith("@")):
        return None
    return f"no target '{target}'; {nearest(target, known)}"


def _seconds(text: str, problems: list[str]) -> float | None:
    try:
        seconds = parse_duration(text) / 1e9
    except ValueError as reason:
        problems.append(f"the length '{text}' {reason}")
        return None
    if seconds < 0:
        problems.append(f"the length '{text}' is negative")
    return seconds


def draws(planned: Sequence[PlannedFault]) -> bool:
    """Return whether a seed decides anything."""
    return any(ANY_NODE in each.targets for each in planned)
