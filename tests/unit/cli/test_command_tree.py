"""Options of every command there is: none is accepted and ignored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from stanlocal.cli.app import app, global_options
from stanlocal.cli.command_group import CommandGroup
from stanlocal.cli.context import Context

GLOBAL = {option.name for option in global_options()}


def groups() -> Iterator[tuple[str, click.Group]]:
    """Every group of commands below the root, with its path."""
    found: list[tuple[str, click.Command | None]] = [
        (name, app.get_command(click.Context(app), name)) for name in app.list_commands(click.Context(app))
    ]
    while found:
        path, command = found.pop()
        if isinstance(command, click.Group):
            yield path, command
            found += [(f"{path} {name}", sub) for name, sub in command.commands.items()]


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command there is, with its path."""
    root = click.Context(app)
    for name in app.list_commands(root):
        command = app.get_command(root, name)
        assert command is not None
        yield name, command
    for path, group in groups():
        yield from ((f"{path} {name}", sub) for name, sub in group.commands.items())


def own_options(command: click.Command) -> list[click.Option]:
    return [param for param in command.params if isinstance(param, click.Option) and param.name not in GLOBAL]


def given(option: click.Option) -> list[str]:
    """Return the option as a user gives it."""
    return [option.opts[0]] if option.is_flag else [option.opts[0], "1"]


CASES = [
    pytest.param(group, option, sub, id=f"{path} {option.opts[0]} {name}")
    for path, group in groups()
    for option in own_options(group)
    for name, sub in group.commands.items()
]


@pytest.mark.parametrize(("group", "option", "sub"), CASES)
def test_an_option_before_the_command_counts_for_it_or_is_refused(
    group: click.Group, option: click.Option, sub: click.Command
) -> None:
    assert sub.name is not None
    context = group.make_context(group.name, [*given(option), sub.name], obj=Context())
    args = [*context._protected_args, *context.args]
    if option.name not in {param.name for param in own_options(sub)}:
        with pytest.raises(click.UsageError, match=f"{option.opts[0]} means nothing to"):
            group.resolve_command(context, args)
        return
    group.resolve_command(context, args)
    given_to_sub = sub.make_context(sub.name, ["orders"], parent=context, resilient_parsing=True)
    assert given_to_sub.params[option.name] == context.params[option.name]


def test_the_group_of_every_command_ignores_no_option() -> None:
    assert CASES
    assert [path for path, group in groups() if not isinstance(group, CommandGroup)] == []


def test_no_command_takes_the_name_of_a_global_option_for_something_else() -> None:
    named = {opt for option in global_options() for opt in option.opts}
    for path, command in commands():
        for param in command.params:
            if param.expose_value:
                assert not named & set(param.opts), path


def test_the_store_that_is_checked_is_the_one_named_before_the_command(tmp_path: Path) -> None:
    from stanlocal.cli.app import run

    (tmp_path / "copy").mkdir()
    assert run(["store", "--dir", str(tmp_path / "none"), "verify"]) != 0
    assert run(["store", "--dir", str(tmp_path / "none"), "verify", "--dir", str(tmp_path / "copy")]) == 0


def test_each_command_that_takes_the_address_of_a_server_takes_a_login_there() -> None:
    """Without `--user` and the like it could not be used with a server that production has."""
    login = {
        "user",
        "password_file",
        "token_file",
        "creds",
        "nkey",
        "tls_ca",
        "tls_cert",
        "tls_key",
        "tls_name",
    }
    taking = {}
    for path, command in commands():
        names = {param.name for param in command.params}
        if "url" in names or (path.startswith("migrate ") and "to" in names):
            taking[path] = login - names
    assert taking.keys() >= {"pub", "sub", "bench", "migrate load", "migrate relay", "migrate verify"}
    assert {path: lacking for path, lacking in taking.items() if lacking} == {}
