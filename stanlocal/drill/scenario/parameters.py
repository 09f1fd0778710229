"""The reader of dataclasses from TOML, each field by its name and annotation.

Thus a fault's parameters, a load and a budget are declared once, on their dataclass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from functools import cache
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from stanlocal.drill.scenario.fields import Fields
from stanlocal.errors import SettingsError

T = TypeVar("T")

_SECONDS = "_s"
"""Suffix of the names of durations; a scenario omits it."""


@cache
def _types(kind: type) -> dict[str, Any]:
    """Return the types of a dataclass's fields, evaluated once: a scenario may have thousands of steps."""
    return get_type_hints(kind)


def read_into(kind: type[T], table: Fields) -> T | None:
    """Return a `kind`, with defaults for what the table lacks; None where a problem was noted."""
    hints = _types(kind)  # type: ignore[arg-type]  # mypy doubts that a class is hashable
    given: dict[str, Any] = {}
    for parameter in fields(kind):  # type: ignore[arg-type]  # a dataclass, as all that are read here
        name = field_name(parameter.name)
        if name in table:
            duration = parameter.name.endswith(_SECONDS)
            given[parameter.name] = _read(table, name, hints[parameter.name], duration)
        else:
            table.raw(name)
            if _required(parameter):
                table.problem(f"it needs '{name}'")
    if table.spoilt:
        return None
    try:
        return kind(**given)
    except SettingsError as error:
        for problem in error.problems:
            table.problem(problem)
        return None


def field_name(parameter: str) -> str:
    """Return the name of a parameter in scenarios: `grace` for `grace_s`."""
    return parameter.removesuffix(_SECONDS)


def _required(parameter: Field[Any]) -> bool:
    return parameter.default is MISSING and parameter.default_factory is MISSING


def _read(table: Fields, name: str, hint: Any, duration: bool) -> Any:
    if duration:
        return table.seconds(name)
    reader = _reader(hint)
    assert reader is not None, f"no way to write {hint} in TOML"
    return reader(table, name)


def _reader(hint: Any) -> Callable[[Fields, str], Any] | None:
    options = [each for each in get_args(hint) if each is not type(None)]
    if get_origin(hint) in (Union, UnionType) and len(options) == 1:
        return _reader(options[0])
    if get_origin(hint) is Literal:
        return lambda table, name: table.choice(name, options)
    return _READERS.get(hint)


_READERS: Mapping[Any, Callable[[Fields, str], Any]] = {
    str: lambda table, name: table.text(name),
    int: lambda table, name: table.whole(name, 0),
    float: lambda table, name: table.number(name),
    bool: lambda table, name: table.flag(name),
    tuple[str, ...]: lambda table, name: table.words(name),
    tuple[int, ...]: lambda table, name: table.wholes(name),
}
"""Methods of `Fields` by the annotation."""
