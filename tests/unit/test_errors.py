"""Errors are one line each, whatever a file that they quote has in it."""

from __future__ import annotations

from stanlocal.errors import SettingsError


def test_a_name_of_several_lines_is_one_line_of_a_problem() -> None:
    error = SettingsError(["no volume a\nb\x1b[2J", "nodes must be a number"])
    assert error.problems == ("no volume a\\nb\\x1b[2J", "nodes must be a number")
    assert str(error) == "no volume a\\nb\\x1b[2J; nodes must be a number"


def test_a_name_of_any_length_keeps_the_ends_of_its_problem() -> None:
    (problem,) = SettingsError([f"begin {'x' * 100_000} end"]).problems
    assert len(problem) < 2_000
    assert problem.startswith("begin x")
    assert problem.endswith("x end")
