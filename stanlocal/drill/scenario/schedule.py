"""The schedule of a scenario: its steps in a row, repeats unrolled, random choices drawn. Pure.

The same scenario and seed give the same schedule, whatever happens in the drill.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from stanlocal.drill.scenario.conditions import Condition
from stanlocal.drill.scenario.scenario import ANY_NODE, Act, Block, Heal, Inject, Scenario, Span, Step


@dataclass(frozen=True, slots=True)
class Beat:
    """One step of a schedule; times are in seconds."""

    number: int
    """Number of the step, from 1."""
    act: Act
    """The act with its targets drawn: none is `@any`."""
    at_s: float | None
    after_s: float
    lasts_s: float | None
    until: Condition | None
    within_s: float

    def __str__(self) -> str:
        lasts = f" for {self.lasts_s:g} s" if self.lasts_s is not None else ""
        until = f" until {self.until}" if self.until else ""
        return f"{self.act}{lasts}{until}"


def schedule(scenario: Scenario, seed: int) -> Iterator[Beat]:
    """Yield the beats of a drill; without end where a block repeats forever."""
    random = Random(seed)
    drawn = _block(Block(scenario.steps), random)
    for number, step in enumerate(drawn, 1):
        yield _beat(number, step, scenario.nodes, random)


def length(steps: Sequence[Step | Block]) -> int | None:
    """Return the number of beats; None where it depends on random choices or time."""
    total = 0
    for each in steps:
        if isinstance(each, Step):
            total += 1
            continue
        rounds = [length([inner]) for inner in each.steps] if each.random else [length(each.steps)]
        if each.repeat is None or len(set(rounds)) > 1 or rounds[0] is None:
            return None
        total += each.repeat * rounds[0]
    return total


def _block(block: Block, random: Random) -> Iterator[Step]:
    done = 0
    while block.repeat is None or done < block.repeat:
        done += 1
        chosen = block.steps
        if block.random:
            chosen = tuple(random.choices(chosen, [each.weight for each in chosen]))
        for each in chosen:
            if isinstance(each, Step):
                yield each
            else:
                yield from _block(each, random)


def _beat(number: int, step: Step, nodes: int, random: Random) -> Beat:
    act, lasts = step.act, None
    if isinstance(act, Inject) and act.lasts is not None:
        lasts = _draw(act.lasts, random)
    if isinstance(act, Inject | Heal):
        act = replace(act, targets=tuple(_target(each, nodes, random) for each in act.targets))
    return Beat(
        number=number,
        act=act,
        at_s=None if step.at is None else _draw(step.at, random),
        after_s=_draw(step.after, random),
        lasts_s=lasts,
        until=step.until,
        within_s=step.within_s,
    )


def _draw(span: Span, random: Random) -> float:
    return span.low if span.fixed else round(random.uniform(span.low, span.high), 3)


def _target(target: str, nodes: int, random: Random) -> str:
    return str(random.randrange(nodes)) if target == ANY_NODE else target
