"""Reports on the unused values of a document: why each has no place in a local group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from stanlocal.imports.import_result import Found, with_value
from stanlocal.natsconf import Entry, Place, Table, Value

Path = tuple[str, ...]
"""Path of a value; an item of a list is named by its `name`, or its number."""

Reasons = Mapping[Path, str]
"""Reason why the value at a path, and all below it, was left out; `*` matches one step."""


def leave_rest(
    document: Table,
    at: str,
    taken: Sequence[Path],
    reasons: Reasons,
    found: Found,
    *,
    unknown: str = "stanlocal has no counterpart for it",
) -> None:
    """Note each value as left out, except those at `taken`, in as few lines as `reasons` allow.

    `at` is the document's name, `unknown` the reason for a value without another.
    """
    known, used = _Patterns(reasons), _Patterns(dict.fromkeys(taken, ""))
    for path, entry in _leaves(document, (), known, used):
        why = known.at(path) or unknown
        # The data of a ConfigMap is not shown: it may be anything.
        what = (
            _spelled(path) if path[0] in ("data", "stringData") else with_value(_spelled(path), entry.value)
        )
        found.left_out(entry.place, f"{at} {what}".strip(), why)


class _Patterns:
    """Paths for lookups in a document of many values: one step for those without `*`."""

    def __init__(self, reasons: Reasons) -> None:
        self._exact = {path: why for path, why in reasons.items() if "*" not in path}
        self._wild = [(path, why) for path, why in reasons.items() if "*" in path]
        self._above = {path[:length] for path in self._exact for length in range(len(path))}

    def at(self, path: Path) -> str | None:
        """Return the reason for the path; None without one."""
        if path in self._exact:
            return self._exact[path]
        return next((why for each, why in self._wild if _fits(path, each)), None)

    def below(self, path: Path) -> bool:
        """Return whether a longer path begins with this one."""
        return path in self._above or any(_fits(path, each[: len(path)]) for each, _ in self._wild)


def _leaves(table: Table, at: Path, reasons: _Patterns, taken: _Patterns) -> Iterator[tuple[Path, Entry]]:
    for name, entry in table.items():
        yield from _leaf((*at, name), entry, reasons, taken)


def _leaf(path: Path, entry: Entry, reasons: _Patterns, taken: _Patterns) -> Iterator[tuple[Path, Entry]]:
    if taken.at(path) is not None or entry.value in ({}, [], ""):
        return
    if not taken.below(path) and reasons.at(path):
        yield path, entry
    elif isinstance(entry.value, dict):
        yield from _leaves(entry.value, path, reasons, taken)
    elif isinstance(entry.value, list):
        for step, item in items(entry.value, entry.place):
            yield from _leaf((*path, step), item, reasons, taken)
    else:
        yield path, entry


def items(values: Sequence[Value], place: Place) -> Iterator[tuple[str, Entry]]:
    """Yield the items of a list, each under its `name` or its number."""
    for number, value in enumerate(values):
        if isinstance(value, dict) and value:
            name = value.get("name")
            first = next(iter(value.values())).place
            step = name.value if name is not None and isinstance(name.value, str) else str(number)
            yield f"[{step}]", Entry(value, first)
        else:
            yield f"[{number}]", Entry(value, place)


def _fits(path: Path, pattern: Path) -> bool:
    return len(path) == len(pattern) and all(
        step in ("*", part) for part, step in zip(path, pattern, strict=True)
    )


def _spelled(path: Path) -> str:
    return ".".join(path).replace(".[", "[")
