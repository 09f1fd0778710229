"""What a tour observes of real groups (tests/unit/history/recorded_groups), moment by moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stanlocal.history import failovers, timeline
from stanlocal.model.group_document import group_document
from stanlocal.tui.screens.main import MainScreen
from stanlocal.tui.tour.guide import Guide
from stanlocal.tui.tour.observed import Observed
from stanlocal.tui.tour.screen import TourScreen
from tests.tui.telling import lines_of
from tests.unit.history.test_recorded_groups import recording

KEYS = {
    binding.id: binding.key
    for kind in (MainScreen, TourScreen)
    for binding in vars(kind)["BINDINGS"]
    if binding.id
}


def document(state: str, active: str | None, **nodes: str) -> Mapping[str, Any]:
    """A group document; nodes by their states, with `paused` or `partitioned` behind it."""
    made = []
    for name, said in nodes.items():
        role, *marks = said.split()
        flags = {flag: flag in marks for flag in ("paused", "partitioned")}
        made.append({"name": name, "state": role, **flags})
    return {"group": "g", "state": state, "active": active, "nodes": made, "faults": []}


def moments(story: str) -> Iterator[Observed]:
    """What is observed after each thing that happened in the story."""
    plan, occurrences = recording(story)
    observed = Observed()
    lines = lines_of(story)
    for number, (time, status) in enumerate(timeline.statuses(plan, occurrences), 1):
        observed.document = group_document(plan, "docker", status, [])
        observed.failovers = failovers.find(occurrences[:number])
        observed.learn_lines([each for each in lines if each.line.time <= time], replay=True)
        observed.seconds = number / 10
        yield observed


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a reader has read at the end."""

    guide: Guide
    observed: Observed
    asked: list[str]

    @property
    def whys(self) -> list[str]:
        return [account.why for account in self.guide.accounts]

    @property
    def says(self) -> list[list[str]]:
        """The servers' own lines of each account."""
        return [
            [f"{each.node}: {each.line.message}" for each in account.lines(self.observed)]
            for account in self.guide.accounts
        ]


def read(guide: Guide, story: str) -> Learnt:
    """Read the lesson while the story happens."""
    asked: list[str] = []
    observed = Observed()
    for observed in moments(story):
        guide.look(observed, KEYS)
        ask = guide.ask(observed, KEYS)
        if ask is not None and ask not in asked[-1:]:
            asked.append(ask)
    return Learnt(guide, observed, asked)
