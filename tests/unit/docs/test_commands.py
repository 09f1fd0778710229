"""Commands on the pages of the documentation are ones that the program takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from stanlocal.cli.app import app
from tests.support.pages import blocks, inline, pages

_ENDS = re.compile(r"\s(?:\||\|\||&&|&|;|>|>>|<)(?:\s|$)|\)\"?$")
"""What ends a command in a line of a shell."""
_PLACEHOLDERS = ("…", "...", "[…]")
_CALL = re.compile(r"(?:^|[\s(])((?:[A-Z_]+=\S+ )*)(?:scripts/)?stanlocal ((?:[^)\"']|'[^']*'|\"[^\"]*\")+)")


def _in_lines(lines: str) -> Iterator[str]:
    """What is called in lines of a shell: those that begin with `$`, without comments."""
    for line in lines.replace("\\\n", " ").splitlines():
        if line.startswith("$ ") and _CALL.search(line):
            yield line[2:].partition(" #")[0]


def shown() -> list[tuple[str, str]]:
    """Each command of stanlocal with its page."""
    found = [(block.page, line) for block in blocks("console", "") for line in _in_lines(block.code)]
    for page in pages():
        found += [(page, code) for code in inline(page) if re.match(r"(scripts/)?stanlocal [a-z@-]", code)]
    return list(dict.fromkeys(found))


def words(line: str) -> list[str]:
    """Return the words after `stanlocal`, up to the end of the command."""
    call = _CALL.search(line)
    assert call is not None, line
    command = _ENDS.split(call[2])[0].rstrip(";")
    return shlex.split(command)


def refused(arguments: list[str]) -> str | None:
    """Return why the program does not take the words; None if it does. Nothing is run."""
    command: click.Command = app
    context = click.Context(app, info_name="stanlocal")
    while True:
        try:
            values, rest, _ = command.make_parser(context).parse_args(list(arguments))
        except click.UsageError as error:
            return error.format_message()
        for param in command.params:
            given = values.get(param.name or "")
            if isinstance(param.type, click.Choice) and isinstance(given, str) and not given.isupper():
                try:
                    param.type.convert(given, param, context)
                except click.UsageError as error:
                    return error.format_message()
        if not isinstance(command, click.Group):
            extra = [word for word in rest if word not in _PLACEHOLDERS]
            return f"unexpected '{extra[0]}'" if extra else None
        if not rest or rest[0].isupper():
            return None
        sub = command.get_command(context, rest[0])
        if sub is None:
            sub = next((each for each in command.commands.values() if each.hidden), None)
            if sub is None:
                return f"no command '{rest[0]}'"
            rest = ["", *rest]  # `drill NAME` is a hidden command's
        command, context, arguments = sub, click.Context(sub, parent=context, info_name=sub.name), rest[1:]


@pytest.mark.parametrize(("page", "line"), shown())
def test_a_command_that_is_shown_is_taken(page: str, line: str) -> None:
    why = refused(words(line))
    assert why is None, f"{page}: {line}: {why}"


def test_commands_that_are_not_there_are_found() -> None:
    assert refused(["up", "--nodez", "3"]) is not None
    assert refused(["upp"]) is not None
    assert refused(["store", "verfy"]) is not None
    assert refused(["--engine", "podman", "up"]) is not None
    assert refused(["run", "--fault", "kill:@active", "--", "go", "test", "--nodez"]) is None


def test_enough_commands_are_found() -> None:
    """So that a change of the pages' form does not hide them."""
    assert len(shown()) > 150
    assert words("NO=1 stanlocal --group a up | head") == ["--group", "a", "up"]
    assert words('eval "$(stanlocal env)"') == ["env"]
