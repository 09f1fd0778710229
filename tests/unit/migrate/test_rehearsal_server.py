"""The choice of where a rehearsal's JetStream server runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from stanlocal.errors import EngineUnavailable, SettingsError
from stanlocal.migrate.jetstream import rehearsal_server as module
from stanlocal.migrate.jetstream.rehearsal_server import rehearsal_server


def _on(where: str) -> Any:
    @asynccontextmanager
    async def server(*arguments: Any) -> AsyncIterator[str]:
        yield where

    return server


def _no_docker(*arguments: Any) -> Any:
    raise EngineUnavailable("no engine answers")


async def _chosen(monkeypatch: pytest.MonkeyPatch, engine: str, *, present: bool, docker: bool) -> Any:
    async def there() -> Path | None:
        return Path("nats-server") if present else None

    monkeypatch.setattr(module, "present_server", there)
    monkeypatch.setattr(module, "local_server", _on("process"))
    monkeypatch.setattr(module, "_container", _on("docker") if docker else _no_docker)
    async with rehearsal_server(engine, Path("folder"), lambda line: None) as server:
        return server


@pytest.mark.parametrize(
    ("engine", "present", "docker", "chosen"),
    [
        ("auto", True, True, "process"),
        ("auto", False, True, "docker"),
        ("auto", False, False, "process"),
        ("process", False, True, "process"),
        ("docker", True, True, "docker"),
    ],
)
async def test_a_server_that_is_there_comes_first_and_then_docker(
    monkeypatch: pytest.MonkeyPatch, engine: str, present: bool, docker: bool, chosen: str
) -> None:
    assert await _chosen(monkeypatch, engine, present=present, docker=docker) == chosen


async def test_docker_that_was_asked_for_and_does_not_answer_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(EngineUnavailable):
        await _chosen(monkeypatch, "docker", present=True, docker=False)


async def test_another_engine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="'docker' or 'process'"):
        await _chosen(monkeypatch, "kubernetes", present=True, docker=True)
