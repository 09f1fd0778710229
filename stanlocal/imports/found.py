"""What came out of a file: settings with their places, what was left out or changed, what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from stanlocal.natsconf import Place, Value, plain
from stanlocal.settings import redacted
from stanlocal.settings.coerce import shown
from stanlocal.settings.layer import Key
from stanlocal.settings.schema import Table


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the file that is not, or not so, in the group that runs here."""

    place: Place
    what: str
    how: Literal["left out", "changed"]
    why: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what} {self.how}: {self.why}"


_HINTS = 20
"""Unknown names for which the nearest known one is looked up: it takes a quarter of a millisecond each."""
_LONGEST_NAME = 200
"""Characters of a name that are shown."""
_SHOWN = 5
"""Names that are shown of a list."""


@dataclass
class Found:
    """Fills up while a file is read."""

    values: dict[str, Any] = field(default_factory=dict)
    """The tree of settings, secrets included."""
    places: dict[Key, Place] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _parents: set[Key] = field(default_factory=set)
    """Keys under which there is a setting."""
    _hints: int = _HINTS

    def put(self, key: Key, value: Any, place: Place) -> None:
        """A setting."""
        *parents, last = key
        branch = self.values
        for part in parents:
            branch = branch.setdefault(part, {})
        branch[last] = value
        self.places[key] = place
        self._parents.update(key[:length] for length in range(1, len(key)))

    def has(self, key: Key) -> bool:
        """Whether the setting, or something below it, was put."""
        return key in self.places or key in self._parents

    def left_out(self, place: Place, what: str, why: str) -> None:
        self.findings.append(Finding(place, shortened(what), "left out", why))

    def changed(self, place: Place, what: str, why: str) -> None:
        self.findings.append(Finding(place, shortened(what), "changed", why))

    def nearest(self, table: Table, name: str) -> str | None:
        """Return the known name that was probably meant; None when there is none, or after many of them."""
        self._hints -= 1
        return table.nearest(name) if self._hints >= 0 else None

    def problem(self, place: Place, what: str) -> None:
        """Something for which the group cannot be brought up."""
        self.problems.append(f"{place}: {what}")


def shortened(name: str) -> str:
    """Return a name as a line can show it."""
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"


def listing(names: Sequence[str]) -> str:
    """Return the first few of many names, with commas."""
    more = ", …" if len(names) > _SHOWN else ""
    return ", ".join(map(shortened, names[:_SHOWN])) + more


def with_value(name: str, value: Value) -> str:
    """`name` with its value for people, where it has a short one; secrets are hidden."""
    content = redacted({name.rpartition(".")[2]: plain(value)}).popitem()[1]
    if isinstance(content, Sequence) and not isinstance(content, str):
        return f"{name} ({', '.join(str(item) for item in content)})" if _is_short(content) else name
    return name if isinstance(content, dict) else f"{name} ({shown(content)})"


def _is_short(items: Sequence[Any]) -> bool:
    return len(items) <= 5 and all(isinstance(item, (str, int)) for item in items)
