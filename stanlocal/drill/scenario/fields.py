"""The reader of TOML tables, field by field, which collects all problems, unknown names included."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from stanlocal.drill.scenario.scenario import Span
from stanlocal.settings.values import parse_duration
from stanlocal.util.nearest import nearest

T = TypeVar("T")

_NANOSECONDS = 1e9


class Fields:
    """One table of a file; each method notes an invalid field as a problem and returns its default."""

    def __init__(self, values: object, place: str, problems: list[str]) -> None:
        self.place = place
        self.spoilt = False
        """Whether this table has a problem."""
        self._problems = problems
        self._values: Mapping[str, Any] = {}
        self._known: list[str] = []
        if isinstance(values, Mapping):
            self._values = values
        else:
            self.problem(f"must be a table, not {_called(values)}")

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def problem(self, what: str) -> None:
        """Note a problem, with its place in front."""
        self.spoilt = True
        self._problems.append(f"{self.place}: {what}" if self.place else what)

    def end(self) -> None:
        """Note the unknown fields: those that were not read."""
        for name in self._values:
            if name not in self._known:
                self.problem(f"'{name}' is not known here; {nearest(name, self._known)}")

    def raw(self, name: str) -> object:
        """Return the value as it is; None where it is missing: TOML has no null."""
        self._known.append(name)
        return self._values.get(name)

    def text(self, name: str, default: str = "") -> str:
        """Return a string."""
        value = self.raw(name)
        if value is None:
            return default
        if not isinstance(value, str):
            return self._wrong(name, "a string", value, default)
        return value

    def whole(self, name: str, default: int, *, least: int = 0, most: int = 1_000_000) -> int:
        """Return a whole number in a range."""
        value = self.raw(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            return self._wrong(name, f"a whole number from {least} to {most}", value, default)
        return value

    def wholes(self, name: str) -> tuple[int, ...]:
        """Return a whole number, or a list of them, as a tuple."""
        value = self.raw(name)
        found = value if isinstance(value, list) else [value]
        if not found or not all(type(each) is int and each >= 0 for each in found):
            return self._wrong(name, "a whole number or a list of them", value, ())
        return tuple(found)

    def number(self, name: str, default: float | None = None) -> float | None:
        """Return a finite number, 0 or more."""
        value = self.raw(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            return self._wrong(name, "a number, 0 or more", value, default)
        return float(value)

    def choice(self, name: str, options: Sequence[Any]) -> Any:
        """Return one of a few values."""
        value = self.raw(name)
        if value not in options:
            return self._wrong(name, " or ".join(map(repr, options)), value, options[0])
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """Return true or false."""
        value = self.raw(name)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        return self._wrong(name, "true or false", value, default)

    def seconds(self, name: str, default: float | None = None) -> float | None:
        """Return a duration in seconds, from a number or a text such as `10m`."""
        value = self.raw(name)
        found = None if value is None else _seconds(value)
        if value is not None and found is None:
            return self._wrong(name, "seconds, or a duration such as '10m'", value, default)
        return default if found is None else found

    def span(self, name: str, default: Span | None = None) -> Span | None:
        """Return a duration, or a range of two from which the seed draws."""
        value = self.raw(name)
        if value is None:
            return default
        ends = [_seconds(end) for end in value] if isinstance(value, list) else [_seconds(value)] * 2
        match ends:
            case [float() as low, float() as high] if low <= high:
                return Span(low, high)
        return self._wrong(name, "seconds, or a range such as [0.5, 2]", value, default)

    def words(self, name: str) -> tuple[str, ...]:
        """Return a string, or a list of strings, as a tuple."""
        value = self.raw(name)
        if value is None:
            return ()
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
            return self._wrong(name, "a string or a list of strings", value, ())
        return tuple(found)

    def table(self, name: str) -> Fields:
        """Return an inner table; empty where there is none."""
        value = self.raw(name)
        return Fields({} if value is None else value, self._inner(name), self._problems)

    def tables(self, name: str) -> Sequence[Fields]:
        """Return the tables of a list; problems name them by number, from 1."""
        value = self.raw(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            return self._wrong(name, f"a list of tables, each under [[{name}]]", value, ())
        return [
            Fields(each, self._inner(name, number), self._problems) for number, each in enumerate(value, 1)
        ]

    def _inner(self, name: str, number: int | None = None) -> str:
        """Return the place of an inner table: `load`, `step 2`, or for a nested step `step 2.1`."""
        if number is None:
            return f"{self.place} {name}".strip()
        return (
            f"{self.place}.{number}" if self.place.startswith(f"{name} ") else f"{self._inner(name)} {number}"
        )

    def _wrong(self, name: str, wanted: str, value: object, default: T) -> T:
        self.problem(f"'{name}' must be {wanted}, not {_called(value)}")
        return default


def _seconds(value: object) -> float | None:
    """Return the seconds of a duration; None for anything else."""
    if isinstance(value, str):
        try:
            seconds = parse_duration(value) / _NANOSECONDS
        except ValueError:
            return None
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    else:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _called(value: object) -> str:
    return f"{value!r}"[:60]
