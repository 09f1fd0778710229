"""Parameters of faults: each is declared once, on its fault, with its option of the command line. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, get_type_hints

from stanlocal.faults.base import Fault

T = TypeVar("T")

_FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Flag:
    """The option of a command that sets a parameter."""

    flag: str
    help: str
    metavar: str | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of one kind of fault."""

    name: str
    hint: Any
    """Type annotation of the field."""
    default: Any
    flag: Flag


def parameter(default: T, flag: str, help_: str, metavar: str | None = None) -> T:
    """Declare a field of a fault's dataclass that commands offer as an option."""
    return field(default=default, metadata={_FLAG: Flag(flag, help_, metavar)})


def parameters(kind: type[Fault]) -> list[Parameter]:
    """Return the declared parameters of a kind of fault, in order."""
    hints = get_type_hints(kind)
    return [
        Parameter(each.name, hints[each.name], each.default, each.metadata[_FLAG])
        for each in fields(kind)  # type: ignore[arg-type]  # every fault is a dataclass
        if _FLAG in each.metadata
    ]
