"""The record of a run: one JSON line for each trial, appended when the trial is done.

So a run that was ended at any moment goes on with its next trial, and a page can be made at any time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

_BRIEF = 600
"""Characters of each end of a text that a line holds."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial to be made."""

    number: int
    """Number in its run, from 0."""
    case: str
    """Variant of the row, such as `docker-2`."""
    seed: int
    """Seed of all that is random in it."""
    units: int
    """Number of kills, or whatever the row counts, that it should make."""


@dataclass(frozen=True, slots=True)
class Result:
    """The findings of a trial."""

    units: int = 1
    """Number of kills, or whatever the row counts, that were made."""
    problems: Sequence[str] = ()
    """Sentences on what refutes the promise."""
    explained: Sequence[str] = ()
    """Sentences on what servers lost, or how they ended, by themselves, each with its reason."""
    counts: Mapping[str, int] = field(default_factory=dict)
    figures: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Measured values by name, such as the outages in ms."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Surroundings in which a trial was made."""

    code: str
    """Commit of the tool, with a mark if its files were changed."""
    versions: str
    machine: str
    load: float
    """Load average of the machine over the minute before the trial's end."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A trial that was made."""

    trial: Trial
    result: Result
    began: datetime
    seconds: float
    surroundings: Surroundings

    def line(self) -> bytes:
        """Return it as a line of the file."""
        document = {**asdict(self), "began": self.began.isoformat(timespec="seconds")}
        return json.dumps(document, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Entry:
        """Return the entry in a line; raises `ValueError`, `KeyError` or `TypeError` where there is none."""
        document: Any = json.loads(line)
        return cls(
            Trial(**document["trial"]),
            Result(**document["result"]),
            datetime.fromisoformat(document["began"]),
            float(document["seconds"]),
            Surroundings(**document["surroundings"]),
        )


class TrialLog:
    """The entries of a run, in its file, and the trials that are still to be made."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        self._seed = seed
        self.entries = _entries(path)
        self._aside = path.with_suffix(".again.jsonl")
        self.made_again = _entries(self._aside)
        """Entries of trials that had problems and were, or will be, made again."""
        for entry in self.entries:
            if entry.trial.seed != self.seed_of(entry.trial.number):
                raise ValueError(
                    f"{path} holds a run with another seed than {seed}: give that seed, or another folder"
                )

    def seed_of(self, number: int) -> int:
        """Return the seed of a trial."""
        return Random(f"{self._seed}/{number}").getrandbits(32)

    def trials(self, cases: Sequence[str], units: int, only: Sequence[str] = ()) -> Iterator[Trial]:
        """Yield the trials that have not been made, without end; cases take turns.

        With `only` those of other cases are left for another run.
        """
        made = {entry.trial.number for entry in self.entries}
        for number in count():
            case = cases[number % len(cases)]
            if number not in made and (not only or case in only):
                yield Trial(number, case, self.seed_of(number), units)

    def set_problems_aside(self) -> None:
        """Have the trials that had problems made again, as after what they found was mended."""
        bad = [entry for entry in self.entries if entry.result.problems]
        with self._aside.open("ab") as file:
            file.writelines(entry.line() for entry in bad)
        self.made_again += bad
        self.entries = [entry for entry in self.entries if not entry.result.problems]
        draft = self.path.with_suffix(".new")
        draft.write_bytes(b"".join(entry.line() for entry in self.entries))
        draft.replace(self.path)

    def append(self, entry: Entry) -> None:
        """Write the entry to the file, so that it outlives this process."""
        with self.path.open("ab") as file:
            file.write(entry.line())
        self.entries.append(entry)

    @property
    def units(self) -> int:
        """Number of kills, or whatever the row counts, made so far."""
        return sum(entry.result.units for entry in self.entries)


def _entries(path: Path) -> list[Entry]:
    if not path.exists():
        return []
    whole = path.read_bytes()
    lines = whole[: whole.rfind(b"\n") + 1]  # the last one is cut short where its writer was killed
    if len(lines) < len(whole):
        os.truncate(path, len(lines))
    return [Entry.read(line) for line in lines.splitlines()]


def in_brief(text: str) -> str:
    """Return a text on one line, without its middle if it is long: an error's last words say most."""
    line = " ".join(text.split())
    return line if len(line) <= 2 * _BRIEF else f"{line[:_BRIEF]} … {line[-_BRIEF:]}"
