"""Usage errors in plain English: one line, with the value and the next step."""

from __future__ import annotations

import click
import pytest

from stanlocal.cli.usage_text import usage_text


@pytest.mark.parametrize(
    ("of_click", "plain"),
    [
        ("'x' is not a valid integer.", "'x' is not a whole number"),
        ("'x' is not a valid integer range.", "'x' is not a whole number"),
        ("'x' is not a valid float range.", "'x' is not a number"),
        ("0 is not in the range x>=1.", "0 is out of range; give 1 or more"),
        ("-1.0 is not in the range x>0.", "-1.0 is out of range; give more than 0"),
        ("9 is not in the range 1<=x<=5.", "9 is out of range; give 1 to 5"),
        ("9 is not in the range x<=5.", "9 is out of range; give 5 or less"),
    ],
)
def test_a_value_that_does_not_fit_says_what_would(of_click: str, plain: str) -> None:
    error = click.BadParameter(of_click, param_hint="'--count'")
    assert usage_text(error) == f"invalid value for '--count': {plain}"


def test_other_usage_errors_are_one_line_too() -> None:
    choice = click.Option(["--state"], type=click.Choice(["down", "healthy"]), required=True)
    missing = click.MissingParameter(param=choice, ctx=click.Context(click.Command("wait")))
    assert usage_text(missing) == "missing option '--state'; give one of down, healthy"
    targets = click.Argument(["targets"], nargs=-1, required=True, metavar="TARGET...")
    nodes = click.MissingParameter(param=targets, ctx=click.Context(click.Command("kill")))
    assert usage_text(nodes).endswith("; name nodes, such as stan-0, 0, @active, @standby or @all")
    unknown = click.NoSuchOption("--nodess", possibilities=["--nodes", "--yes"])
    assert usage_text(unknown) == "no option '--nodess'; did you mean --nodes or --yes?"
    assert usage_text(click.NoSuchOption("--zzz")) == "no option '--zzz'"
    assert usage_text(click.UsageError("Something Else is wrong.")) == "something Else is wrong"
