"""`stanlocal help`, and the commands that people look for under other names."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from stanlocal.cli.app import app
from stanlocal.model.synonyms import SYNONYMS


def invoke(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, arguments, prog_name="stanlocal")
    return result.exit_code, result.output


@pytest.mark.parametrize("words", [(), ("kill",), ("store", "verify"), ("help",)], ids=" ".join)
def test_help_prints_what_the_option_prints(words: tuple[str, ...]) -> None:
    assert invoke("help", *words) == invoke(*words, "--help")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("purge",), "no command 'purge'; did you mean 'down --purge'?"),
        (("kill", "stan-0"), "'stanlocal kill' has no commands; leave out 'stan-0'"),
    ],
)
def test_help_of_an_unknown_command_is_a_usage_error(words: tuple[str, ...], said: str) -> None:
    code, output = invoke("help", *words)
    assert (code, said in output) == (2, True), output


@pytest.mark.parametrize(
    ("word", "command"),
    [
        ("purge", "down --purge"),
        ("rm", "down"),
        ("ls", "list"),
        ("ps", "status"),
        ("freeze", "pause"),
        ("statsu", "status"),
    ],
)
def test_unknown_command_suggests_the_right_one(word: str, command: str) -> None:
    code, output = invoke(word)
    assert (code, f"did you mean '{command}'?" in output) == (2, True), output


def test_suggested_commands_exist() -> None:
    context = click.Context(app)
    for synonym, suggested in SYNONYMS.items():
        name, *options = suggested.split()
        command = app.get_command(context, name)
        assert command is not None
        assert {opt for param in command.params for opt in param.opts}.issuperset(options)
        assert app.get_command(context, synonym) is None
