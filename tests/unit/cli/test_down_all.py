"""`down --all`: a group that cannot be taken down keeps no other one up."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from click.testing import CliRunner

from stanlocal import api
from stanlocal.cli import group
from stanlocal.cli.app import app
from stanlocal.cli.context import Context
from stanlocal.errors import StoreRefused
from stanlocal.lifecycle.down import Down


class _Group:
    def __init__(self, name: str) -> None:
        self._name = name

    async def down(self, **options: Any) -> Down:
        if self._name == "held":
            raise StoreRefused("the store of held is locked by process 7")
        return Down((f"{self._name}-0",))


@asynccontextmanager
async def _opened(self: Context, *arguments: Any) -> AsyncIterator[_Group]:
    assert self.group is not None
    yield _Group(self.group)


async def _names(context: Context) -> list[str]:
    return ["first", "held", "last"]


async def _no_orphans(of: object) -> None:
    pass


def test_the_others_are_down_and_the_failure_is_the_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Context, "opened", _opened)
    monkeypatch.setattr(group, "_names", _names)
    monkeypatch.setattr(api, "remove_orphans", _no_orphans)
    done = CliRunner().invoke(app, ["--json", "down", "--all"])
    assert json.loads(done.stdout)["removed"] == {"first": ["first-0"], "last": ["last-0"]}
    assert isinstance(done.exception, StoreRefused)
