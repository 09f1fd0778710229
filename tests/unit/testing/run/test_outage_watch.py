"""The measuring of outages beside a command: what cannot be measured is a problem."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from stanlocal.errors import StanError
from stanlocal.testing.run.outage_watch import watched_outages
from tests.tui.hosting import FakeGroup


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (StanError("the connection is lost"), "the connection is lost"),
        (KeyError("x"), "defect in stanlocal: KeyError: 'x'"),
    ],
)
async def test_a_measurement_that_ends_early_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, error: Exception, why: str
) -> None:
    async def outages(*_: Any, **__: Any) -> AsyncGenerator[Any]:
        raise error
        yield

    monkeypatch.setattr("stanlocal.outages.probe.outages", outages)
    group = FakeGroup()
    async with asyncio.timeout(60), watched_outages(group.real) as watch:
        while watch.problem is None:  # noqa: ASYNC110 - nothing else says so
            await asyncio.sleep(0)
        watch.end()
    assert watch.problem == f"outages were measured only until the client's end: {why}"
    assert watch.outages == []
