"""The saved log of a node: once and whole, whatever it was saved in the middle of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.errors import NodeNotFound
from stanlocal.group.saved_log import SavedLog
from stanlocal.model.instance import RawLine
from tests.support.facts import at

LARGEST = 1 << 20
LINES = st.lists(st.text(st.characters(exclude_characters="\n", codec="utf-8"), max_size=20), max_size=10)


async def output(lines: Sequence[RawLine]) -> AsyncGenerator[Sequence[RawLine]]:
    """Yield the lines as an engine does, in small batches."""
    for start in range(0, len(lines), 3):
        await asyncio.sleep(0)
        yield lines[start : start + 3]


def save(log: SavedLog, lines: Sequence[RawLine]) -> None:
    asyncio.run(log.add(partial(output, lines)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "stan-0.log"


@given(LINES, LINES)
def test_saved_lines_are_read_back_as_they_were(scratch: Path, first: list[str], then: list[str]) -> None:
    scratch.unlink(missing_ok=True)
    log = SavedLog(scratch, LARGEST)
    lines = [RawLine(at(number), text) for number, text in enumerate([*first, *then])]
    save(log, lines[: len(first)])
    save(log, lines[len(first) :])
    assert [*log.lines()] == lines


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home") / "stan-0.log"


@pytest.mark.parametrize("lost", range(0, 100, 9))
def test_saving_again_after_a_kill_adds_what_is_missing(path: Path, lost: int) -> None:
    log = SavedLog(path, LARGEST)
    lines = [RawLine(at(number), f"line {number}") for number in range(5)]
    save(log, lines)
    path.write_bytes(path.read_bytes()[: -lost or None])
    found = [*log.lines()]
    assert found == lines[: len(found)]
    save(log, lines)
    assert [*log.lines()] == lines


def test_a_saved_log_does_not_grow_without_bounds(path: Path) -> None:
    log = SavedLog(path, 1000)
    lines = [RawLine(at(number), f"line {number:03}") for number in range(200)]
    for start in range(0, 200, 10):
        save(log, lines[start : start + 10])
    kept = [*log.lines()]
    assert kept == lines[-len(kept) :]
    assert 20 < len(kept) < 100


@pytest.mark.parametrize("line", ["", "no time", "2026-11-23 no zone", "2026-11-23T09:00:00 no zone"])
def test_an_invalid_saved_line_is_skipped(path: Path, line: str) -> None:
    log = SavedLog(path, LARGEST)
    save(log, [RawLine(at(0), "a")])
    with path.open("a") as file:
        file.write(line + "\n")
    save(log, [RawLine(at(1), "b")])
    assert [*log.lines()] == [RawLine(at(0), "a"), RawLine(at(1), "b")]


def test_a_node_that_never_had_a_saved_log_has_no_lines(path: Path) -> None:
    assert [*SavedLog(path, LARGEST).lines()] == []


def test_a_node_that_is_gone_leaves_no_file(path: Path) -> None:
    async def gone() -> AsyncGenerator[Sequence[RawLine]]:
        raise NodeNotFound("gone")
        yield

    with pytest.raises(NodeNotFound):
        asyncio.run(SavedLog(path, LARGEST).add(gone))
    assert not path.exists()
