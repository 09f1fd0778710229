"""Parameters of faults, and the options of commands made from them."""

from __future__ import annotations

from dataclasses import fields

import click
import pytest

from stanlocal.cli.faults import fault
from stanlocal.faults.base import Fault
from stanlocal.faults.network import FlakyNetwork
from stanlocal.faults.parameters import parameters
from stanlocal.faults.registry import FAULTS


@pytest.mark.parametrize("kind", FAULTS.values(), ids=FAULTS)
def test_every_parameter_of_a_fault_is_an_option_of_its_command(kind: type[Fault]) -> None:
    declared = parameters(kind)
    assert [each.name for each in declared] == [each.name for each in fields(kind)]  # type: ignore[arg-type]
    command = fault.get_command(click.Context(fault), kind.name)
    assert command is not None
    options = {option.name: option for option in command.params if isinstance(option, click.Option)}
    for each in declared:
        assert options[each.name].default == each.default
        assert options[each.name].opts == [each.flag.flag]


def test_parameters_have_type_and_default() -> None:
    found = {each.name: (each.hint, each.default) for each in parameters(FlakyNetwork)}
    assert found["reset_percent"] == (int, 20)
    assert found["limit_kb"] == (int | None, 64)
