"""docs/parity.md says of each element of the guide where it is, and what it says is true."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from stanlocal.export import helm, kubernetes
from stanlocal.export.objects import Storage
from tests import seed
from tests.support.parity import elements, under
from tests.unit.export.plans import a_plan

_DOCUMENT = Path(__file__).parents[3] / "docs" / "parity.md"
_ROW = re.compile(
    r"\| `(?P<element>[^`]+)` \| (?P<here>[^|]+) "
    r"\| (?P<how>same|changed): `(?P<target>[^`]+)`(?P<why>[^|]*) \|"
)


class Row(NamedTuple):
    """The table's row about one element."""

    element: str
    here: str
    how: str
    target: str
    why: str


_ROWS = [Row(*match.groups()) for match in _ROW.finditer(_DOCUMENT.read_text(encoding="utf-8"))]


def test_every_line_of_the_tables_is_a_row_or_a_head() -> None:
    lines = [line for line in _DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert len(lines) == len(_ROWS)


@cache
def the_guide() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for file in (seed.EFS, seed.AZUREFILE, seed.VALUES):
        found.update(elements(seed.documents(file)))
    return found


def the_export(element: str) -> dict[str, Any]:
    """The parts of the export that an element of the guide belongs to."""
    if element.startswith("values "):
        return exported_values()
    if element.startswith("PersistentVolumeClaim/stan-efs"):
        return exported_objects(Storage("azurefile", "stan-store"))
    return exported_objects(Storage("efs", "stan-store", legacy_provisioner=True))


@cache
def exported_values() -> dict[str, Any]:
    return elements([yaml.safe_load(helm.render(a_plan({"preset": "seed"}), helm.Chart("stan")))])


@cache
def exported_objects(store: Storage) -> dict[str, Any]:
    text = kubernetes.render(a_plan({"preset": "seed"}), kubernetes.Deployment("stan", store))
    return elements(list(yaml.safe_load_all(text)))


@cache
def row_of(element: str) -> Row | None:
    """The row that covers an element: the longest that it is at or below."""
    fitting = [row for row in _ROWS if under({element: None}, row.element)]
    return max(fitting, key=lambda row: len(row.element), default=None)


def test_every_element_of_the_guide_has_a_row() -> None:
    assert [element for element in the_guide() if row_of(element) is None] == []


def test_no_row_is_about_something_that_is_not_in_the_guide() -> None:
    covering = {row_of(element) for element in the_guide()}
    assert [row.element for row in _ROWS if row not in covering] == []


def own_values(row: Row) -> Mapping[str, Any]:
    """The guide's values that the row is about, those with rows of their own left out."""
    return {
        name: value
        for name, value in under(the_guide(), row.element).items()
        if row_of(f"{row.element}{name}") == row
    }


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row.element)
def test_the_exported_value_is_what_the_row_says(row: Row) -> None:
    exported = under(the_export(row.element), row.target)
    assert exported, f"{row.target} is not exported"
    values = own_values(row)
    if row.how == "same":
        assert {name: exported.get(name) for name in values} == values
    else:
        assert row.why.strip(), "a change needs its reason"
        assert exported != values
