"""A fault's parameters as a line that a person can edit: `latency_ms = 200, jitter_ms = 0`. Pure.

The line is the inside of an inline table of TOML, and is read as a scenario's tables are.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import fields
from typing import Any

from stanlocal.drill.scenario.fields import Fields
from stanlocal.drill.scenario.parameters import field_name, read_into
from stanlocal.errors import SettingsError
from stanlocal.faults.base import Fault
from stanlocal.faults.injection import check_time


def settings_line(kind: type[Fault]) -> str:
    """The defaults; a parameter without one is left out. Empty for a fault that has no parameters."""
    usual = kind()
    given = {field.name: getattr(usual, field.name) for field in fields(kind)}  # type: ignore[arg-type]  # as all
    return ", ".join(
        f"{field_name(name)} = {json.dumps(value)}" for name, value in given.items() if value is not None
    )


def read_fault(kind: type[Fault], line: str) -> Fault:
    """The fault with these parameters; raises `SettingsError` with every problem of the line."""
    problems: list[str] = []
    table = Fields(_table(line), "", problems)
    fault = read_into(kind, table)
    table.end()
    if problems or fault is None:
        raise SettingsError([f"{kind.name}: {problem}" for problem in problems])
    return fault


def read_time(kind: type[Fault], text: str) -> float | None:
    """For how many seconds the fault is to last; None, for no text: until it is healed.

    Raises `SettingsError` for what is no such number.
    """
    if not text.strip():
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise SettingsError([f"{kind.name}: {text!r} is no time to last; write seconds such as 5"])
    check_time(seconds)
    return seconds


def _table(line: str) -> Any:
    try:
        document = tomllib.loads(f"line = {{ {line} }}")
    except (ValueError, RecursionError) as error:
        raise SettingsError([_unreadable(line)]) from error
    if len(document) > 1:
        raise SettingsError([_unreadable(line)])
    return document["line"]


def _unreadable(line: str) -> str:
    return f"{line!r} does not read as settings such as 'grace = 5, ...'"
