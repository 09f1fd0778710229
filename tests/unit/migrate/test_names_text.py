"""A plan's names as a file: what it says is what the plan has."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from stanlocal.migrate.inventory import Inventory
from stanlocal.migrate.names_text import names_text
from stanlocal.migrate.naming import Names
from stanlocal.migrate.plan import make_plan
from tests.unit.migrate.made import channel, durable


@pytest.mark.parametrize(
    "name", ["orders", "a.b", 'quoted "name"', "back\\slash", "del\x7f", "tab\t", "größe"]
)
def test_the_file_makes_the_same_plan(name: str) -> None:
    durables = (durable("dur", client_id=name), durable("dur", queue_group="pool"))
    inventory = Inventory(Path("/store"), None, (channel(name, durables=durables), channel("left")), 0)
    plan = make_plan(inventory, Names({"left": ""}, {name: {"dur:pool": "", f"{name}/dur": "mine"}}))
    again = make_plan(inventory, Names.of(tomllib.loads(names_text(plan))))
    assert again.streams == plan.streams
    assert again.left_out == ("left",)
