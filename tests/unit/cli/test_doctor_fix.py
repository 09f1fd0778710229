"""`doctor --fix`: a fix that fails is one finding among the others."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from click.testing import CliRunner

from stanlocal.cli.app import app
from stanlocal.cli.exit_codes import BAD_VERDICT
from stanlocal.doctor import examination
from stanlocal.doctor.check import Check
from stanlocal.errors import EngineError


async def _refused() -> None:
    raise EngineError("the engine refuses it")


async def _done() -> None:
    pass


async def _examine(load: object, report: object) -> AsyncGenerator[Check]:
    yield Check("first", False, "wrong", "do it yourself", fix=_refused)
    yield Check("second", False, "wrong too", "do it yourself", fix=_done)
    yield Check("third", True, "fine")


def test_the_other_checks_are_made_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "examine", _examine)
    done = CliRunner().invoke(app, ["--json", "doctor", "--fix"], standalone_mode=False)
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.return_value == BAD_VERDICT
    assert [(each["ok"], each["detail"]) for each in found["checks"]] == [
        (False, "wrong; not fixed: the engine refuses it"),
        (True, "wrong too; fixed"),
        (True, "fine"),
    ]
    assert found["checks"][0]["cure"] == "do it yourself"
