"""The guide: which lesson and step the reader is at, what was learnt so far, and where to resume. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stanlocal.logs.merge import NodeLine
from stanlocal.tui.tour.facts import facts
from stanlocal.tui.tour.lessons import LESSONS, Lesson, Outcome, Step
from stanlocal.tui.tour.observed import NEVER, Moment, Observed, Since


@dataclass(frozen=True, slots=True)
class Progress:
    """Place of a reader in the tour, as it is saved."""

    lesson: int = 1
    """Number of the lesson, from 1; one more than there are at the end of the tour."""
    finished: frozenset[int] = frozenset()
    """Numbers of the lessons that were finished."""

    def document(self) -> dict[str, Any]:
        """Return the document that is saved."""
        return {"lesson": self.lesson, "finished": sorted(self.finished)}

    @classmethod
    def from_document(cls, document: Any, of_lessons: int = len(LESSONS)) -> Progress:
        """Return the place that a document holds; the beginning if it holds none."""
        match document:
            case {"lesson": int(lesson), "finished": list(numbers)} if 1 <= lesson <= of_lessons + 1:
                known = {each for each in numbers if type(each) is int and 1 <= each <= of_lessons}
                return cls(lesson, frozenset(known))
        return cls()

    def resumed(self, of_lessons: int = len(LESSONS)) -> Progress:
        """Return where to go on: after a finished lesson at the next, after the end at the beginning."""
        at = self.lesson + (self.lesson in self.finished)
        return Progress(at, self.finished) if at <= of_lessons else Progress()


@dataclass(frozen=True, slots=True)
class Account:
    """Something that has happened in the lesson, with its explanation."""

    why: str
    outcome: Outcome
    since: Moment
    """Beginning of the step that it ended."""

    def lines(self, observed: Observed) -> list[NodeLine]:
        """Return the servers' own lines that show it, oldest first; those that have come so far."""
        since = Since(observed, Moment() if self.outcome.ever else self.since)
        found: list[NodeLine] = []
        for kind in self.outcome.says:
            of_kind = list(since.lines(kind))
            found += of_kind[-1:] if self.outcome.ever else of_kind[:1]
        return sorted(found, key=lambda each: each.line.time)


@dataclass(slots=True)
class Guide:
    """A reader's way through the lessons."""

    progress: Progress = Progress()
    lessons: Sequence[Lesson] = LESSONS
    accounts: list[Account] = field(default_factory=list)
    """Accounts of the lesson's steps that are done, except for those that need no explanation."""
    _step: int = 0
    _since: Moment = field(default_factory=lambda: Moment(NEVER))

    @property
    def lesson(self) -> Lesson | None:
        """The present lesson; None at the end of the tour."""
        at = self.progress.lesson - 1
        return self.lessons[at] if at < len(self.lessons) else None

    @property
    def step(self) -> Step | None:
        """The present step; None once the lesson is done."""
        steps = self.lesson.steps if self.lesson else ()
        return steps[self._step] if self._step < len(steps) else None

    def look(self, observed: Observed, keys: Mapping[str, str]) -> None:
        """Take what has happened: end the steps whose outcome was observed."""
        while self.step is not None:
            since = Since(observed, self._since)
            outcome = next((each for each in self.step.outcomes if each.when(since)), None)
            if outcome is None:
                return
            if outcome.why:
                why = outcome.why.format_map(facts(since, keys))
                self.accounts.append(Account(why, outcome, self._since))
            self._step += 1
            self._since = observed.now
            if self.step is None:
                finished = self.progress.finished | {self.progress.lesson}
                self.progress = Progress(self.progress.lesson, finished)

    def ask(self, observed: Observed, keys: Mapping[str, str]) -> str | None:
        """Return what to do now, or the hint that fits; None once the lesson is done."""
        if self.step is None:
            return None
        since = Since(observed, self._since)
        hint = next((each.text for each in self.step.hints if each.when(since)), None)
        return (hint or self.step.ask).format_map(facts(since, keys))

    def go(self, by: int, observed: Observed) -> None:
        """Go to the next (1) or previous (-1) lesson; from the end to the first."""
        end = len(self.lessons) + 1
        at = self.progress.lesson + by
        at = 1 if at > end else max(at, 1)
        self.progress = Progress(at, self.progress.finished)
        self.accounts, self._step, self._since = [], 0, observed.now
