"""Says of every value of a document that nobody took why it has no place in a local group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from stanlocal.imports.found import Found, with_value
from stanlocal.natsconf import Entry, Place, Table, Value

Path = tuple[str, ...]
"""Where a value is; an item of a list is there under its `name`, or its number."""

Reasons = Mapping[Path, str]
"""Why what is at a path, and below it, was left out; `*` stands for any one step."""


def leave_rest(document: Table, at: str, taken: Sequence[Path], reasons: Reasons, found: Found) -> None:
    """Notes each value as left out, but for those at `taken`; as few lines as `reasons` allow.

    `at` is what the document is called. What no reason is given for is left out for want of a counterpart.
    """
    for path, entry in _leaves(document, (), reasons, taken):
        why = _reason(path, reasons) or "stanlocal has no counterpart for it"
        # What a ConfigMap holds is not shown: it may be anything.
        what = _spelled(path) if path[0] == "data" else with_value(_spelled(path), entry.value)
        found.left_out(entry.place, f"{at} {what}".strip(), why)


def _leaves(table: Table, at: Path, reasons: Reasons, taken: Sequence[Path]) -> Iterator[tuple[Path, Entry]]:
    for name, entry in table.items():
        yield from _leaf((*at, name), entry, reasons, taken)


def _leaf(path: Path, entry: Entry, reasons: Reasons, taken: Sequence[Path]) -> Iterator[tuple[Path, Entry]]:
    if any(_fits(path, each) for each in taken) or entry.value in ({}, []):
        return
    partly = any(_fits(path, each[: len(path)]) for each in taken)
    if not partly and _reason(path, reasons):
        yield path, entry
    elif isinstance(entry.value, dict):
        yield from _leaves(entry.value, path, reasons, taken)
    elif isinstance(entry.value, list):
        for step, item in items(entry.value, entry.place):
            yield from _leaf((*path, step), item, reasons, taken)
    else:
        yield path, entry


def items(values: Sequence[Value], place: Place) -> Iterator[tuple[str, Entry]]:
    """The items of a list, each under its `name` or its number."""
    for number, value in enumerate(values):
        if isinstance(value, dict) and value:
            name = value.get("name")
            first = next(iter(value.values())).place
            step = name.value if name is not None and isinstance(name.value, str) else str(number)
            yield f"[{step}]", Entry(value, first)
        else:
            yield f"[{number}]", Entry(value, place)


def _reason(path: Path, reasons: Reasons) -> str | None:
    return next((why for pattern, why in reasons.items() if _fits(path, pattern)), None)


def _fits(path: Path, pattern: Path) -> bool:
    return len(path) == len(pattern) and all(
        step in ("*", part) for part, step in zip(path, pattern, strict=True)
    )


def _spelled(path: Path) -> str:
    return ".".join(path).replace(".[", "[")
