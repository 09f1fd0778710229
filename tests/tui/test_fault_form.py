"""Faults with parameters: edited as a line, and given back as a command that does the same."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import click
import pytest

from stanlocal.cli.app import app
from stanlocal.errors import SettingsError
from stanlocal.faults.base import Fault
from stanlocal.faults.kill import Kill
from stanlocal.faults.network import FlakyNetwork, SlowNetwork
from stanlocal.faults.registry import FAULTS
from stanlocal.faults.stop import Stop
from stanlocal.tui.actions import of_fault
from stanlocal.tui.screens.fault_form import read_fault, read_time, settings_line


@pytest.mark.parametrize("kind", FAULTS.values(), ids=lambda kind: kind.name)
def test_the_line_of_every_fault_reads_as_its_defaults(kind: type[Fault]) -> None:
    assert read_fault(kind, settings_line(kind)) == kind()


def test_edited_settings_are_read() -> None:
    assert settings_line(Stop) == "grace = 30"
    assert read_fault(Stop, 'grace = "250ms"') == Stop(0.25)
    assert read_fault(SlowNetwork, 'latency_ms = 50, between = "all"') == SlowNetwork("all", 50)


@pytest.mark.parametrize(
    ("kind", "line", "problem"),
    [
        (Stop, "grace =", "does not read as settings"),
        (Stop, "grace = 1 }\nx = { y = 1", "does not read as settings"),
        (Stop, 'grace = "soon"', "grace"),
        (Stop, "grac = 1", "did you mean 'grace'?"),
        (SlowNetwork, "latency_ms = 0", "would do nothing"),
    ],
)
def test_invalid_settings_are_reported(kind: type[Fault], line: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(problem)):
        read_fault(kind, line)


def test_a_time_is_seconds_or_nothing() -> None:
    assert [read_time(Stop, text) for text in ("", "  ", "5", " 0.25 ", "1e3")] == [None, None, 5, 0.25, 1000]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        *((text, f"stop: {text!r} is not a duration") for text in ("0", "-1", "soon", "nan", "2,5", "10m")),
        ("inf", "a fault cannot last inf s"),
        ("1e9", "a fault cannot last 1e+09 s"),
    ],
)
def test_invalid_duration_is_reported(text: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(problem)):
        read_time(Stop, text)


@pytest.mark.parametrize("seconds", [None, 0.25, 5.0, 31_535_999.0])
@pytest.mark.parametrize(
    "fault",
    [
        *(kind() for kind in FAULTS.values()),
        Kill("SIGTERM"),
        Stop(5.0),
        SlowNetwork("nodes", 100, 20, 64),
        FlakyNetwork("all", 5, 10, None),
    ],
    ids=str,
)
def test_the_command_is_one_that_the_command_line_takes_and_makes_the_same_fault(
    fault: Fault, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[dict[str, Any]] = []

    def invoke(self: click.Command, context: click.Context) -> None:
        if not isinstance(self, click.Group):
            made.append(context.params)

    monkeypatch.setattr(click.Command, "invoke", invoke)
    words = [*of_fault("t", fault, ("t-0",), seconds).words]
    app.main(args=words, prog_name="stanlocal", standalone_mode=False)
    assert made[0]["targets"] == ("t-0",)
    assert made[0].get("seconds") == seconds
    given = {str(value) for value in made[0].values()}
    for field in fields(fault):  # type: ignore[arg-type]
        value = getattr(fault, field.name)
        if value != getattr(type(fault)(), field.name):
            assert str(value or 0).removeprefix("SIG") in given
