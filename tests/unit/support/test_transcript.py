"""Blocks of the documentation that are run and compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.transcript import Console, Said, differs, pretty, shown


def test_commands_and_what_they_print_are_read_from_a_page() -> None:
    commands = [said.command for said in shown("docs/tutorial.md")]
    assert commands[:2] == ["pipx install .", "stanlocal up"]
    assert "stan-0  active   holds" in shown("docs/tutorial.md")[1].output


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("took 1.5 s at 10:00:00.5\n", "took  12 s at 11:22:33\n"),
        ("▒▒▒▓ 5 ms\n", "▒▓▓▓▓▓▓ 1,234 ms\n"),
    ],
)
def test_figures_may_differ(one: str, other: str) -> None:
    assert differs(Said("stanlocal x", one), Said("stanlocal x", other)) is None


@pytest.mark.parametrize(
    ("command", "one", "other"),
    [
        ("stanlocal x", "stan-0 active\n", "stan-0 standby\n"),
        ("stanlocal x", "a\n", "a\nb\n"),
        ("stanlocal x --json", '{"a": 1}', '{"b": 1}'),
        ("stanlocal x --json", '{"a": 1}', '{"a": "1"}'),
        ("stanlocal x --json", '{"a": [{"b": 1}]}', '{"a": [{"b": 1, "c": 2}]}'),
        ("stanlocal x --json", '{"a": 1}\n{"a": 2}\n', '{"a": 1}\n'),
    ],
)
def test_what_says_something_else_is_shown(command: str, one: str, other: str) -> None:
    assert differs(Said(command, one), Said(command, other)) is not None


def test_null_fits_whatever_is_not_known_yet() -> None:
    assert differs(Said("x --json", '{"a": null}'), Said("x --json", '{"a": 1}')) is None


def test_a_long_document_is_written_over_many_lines() -> None:
    document = {"short": [1, 2], "long": [{"name": "x" * 60}, {"name": "y" * 60}]}
    assert json.loads(pretty(document)) == document
    assert pretty(document).splitlines()[1] == '  "short": [1, 2],'


def test_a_console_hides_where_it_is(tmp_path: Path) -> None:
    assert Console(tmp_path).run("pwd").output == "/home/me\n"
