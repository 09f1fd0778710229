"""The result of reading a file: settings with their places, findings and problems."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from stanlocal.natsconf import Place, Value, plain
from stanlocal.settings import redacted
from stanlocal.settings.coerce import shown
from stanlocal.settings.layer import Key, dotted, variable
from stanlocal.settings.schema import Table
from stanlocal.settings.tool_options import SETTINGS


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the file that is left out or changed in the local group."""

    place: Place
    what: str
    how: Literal["left out", "changed"]
    why: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what} {self.how}: {self.why}"


@dataclass(frozen=True, slots=True)
class Need:
    """A setting that the deployment has and the file has not: a secret, or a file of another machine."""

    key: Key
    place: Place
    what: str
    """The file's statement about the key."""
    undefined: str = ""
    """Variable that the deployment leaves to its caller; nothing else gives the setting."""

    @property
    def is_certificate(self) -> bool:
        """Whether it is a certificate or its key."""
        return "tls" in self.key[:-1]

    @property
    def problem(self) -> str:
        """The line that asks for it."""
        if self.undefined:
            return f"{self.place}: {dotted(self.key)} {self.what}; set {self.undefined}"
        name = variable(self.key)
        option = SETTINGS.at(self.key)
        value = f" or {name}_FILE" if option is not None and option.secret else "=FILE"
        made = ", or make certificates with --secure" if self.is_certificate else ""
        return f"{self.place}: {dotted(self.key)} {self.what}; set {name}{value}{made}"


_HINTS = 20
"""Number of unknown names for which the nearest known one is found, at 0.25 ms each."""
_LONGEST_NAME = 200
"""Number of characters of a name that are shown."""
_SHOWN = 5
"""Number of names of a list that are shown."""


@dataclass
class Found:
    """A collector for the results of reading a file."""

    file_store: bool = False
    """True if the group runs over a file store, whatever the file says."""
    values: dict[str, Any] = field(default_factory=dict)
    """The tree of settings, secrets included."""
    places: dict[Key, Place] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)
    """Settings without which the group would let in more than the deployment."""
    local_file: Callable[[str], Path | None] = lambda path: None
    """Returns the file of this machine that a path of the deployment names; None if there is none."""
    nats_asks: frozenset[str] = frozenset()
    """Options of the NATS server inside each node that the streaming server has to satisfy."""
    _parents: set[Key] = field(default_factory=set)
    """Keys of tables that contain a setting."""
    _hints: int = _HINTS

    def put(self, key: Key, value: Any, place: Place) -> None:
        """Put a setting."""
        *parents, last = key
        branch = self.values
        for part in parents:
            branch = branch.setdefault(part, {})
        branch[last] = value
        self.places[key] = place
        self._parents.update(key[:length] for length in range(1, len(key)))

    def has(self, key: Key) -> bool:
        """Return whether the setting, or one below it, was put."""
        return key in self.places or key in self._parents

    def left_out(self, place: Place, what: str, why: str) -> None:
        self.findings.append(Finding(place, shortened(what), "left out", why))

    def changed(self, place: Place, what: str, why: str) -> None:
        self.findings.append(Finding(place, shortened(what), "changed", why))

    def need(self, key: Key, place: Place, what: str, undefined: str = "") -> None:
        """Note a setting that has to come from elsewhere, or from the variable `undefined` alone."""
        self.needs.append(Need(key, place, what, undefined))

    def nearest(self, table: Table, name: str) -> str | None:
        """Return the known name that was probably meant; None when there is none, or after many of them."""
        self._hints -= 1
        return table.nearest(name) if self._hints >= 0 else None

    def problem(self, place: Place, what: str) -> None:
        """Note a problem that keeps the group from running."""
        self.problems.append(f"{place}: {what}")


def shortened(name: str) -> str:
    """Return the name, shortened for a line."""
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"


def listing(names: Sequence[str]) -> str:
    """Return the first few of many names, with commas."""
    more = ", …" if len(names) > _SHOWN else ""
    return ", ".join(map(shortened, names[:_SHOWN])) + more


def with_value(name: str, value: Value) -> str:
    """Return `name` with its value, where that is short; secrets are hidden."""
    content = redacted({name.rpartition(".")[2]: plain(value)}).popitem()[1]
    if isinstance(content, Sequence) and not isinstance(content, str):
        return f"{name} ({', '.join(str(item) for item in content)})" if _is_short(content) else name
    return name if isinstance(content, dict) else f"{name} ({shown(content)})"


def _is_short(items: Sequence[Any]) -> bool:
    return len(items) <= 5 and all(isinstance(item, (str, int)) for item in items)
