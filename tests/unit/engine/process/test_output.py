"""Segments are read back: whole, in order, from any position, and while they grow."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.engine.process.output import Tail, kept, last_lines
from stanlocal.engine.process.supervisor.segments import (
    KEPT_SEGMENTS,
    MAX_LINE,
    MOST_SEGMENTS,
    SegmentWriter,
    segment_name,
    segment_numbers,
    stamp,
)
from stanlocal.model.instance import RawLine

lines_of_text = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n")))


def texts(folder: Path, tail: int | None = None) -> list[str]:
    return [line.text for line in (lines_of(folder) if tail is None else last_lines(folder, tail))]


def lines_of(folder: Path, since: datetime | None = None) -> list[RawLine]:
    return [line for batch in kept(folder, since=since) for line in batch]


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


@given(lines=lines_of_text, cuts=st.lists(st.integers(0)), count=st.integers(0, 20), size=st.integers(1, 500))
def test_lines_are_the_same_however_they_arrive_and_are_rotated(
    lines: list[str], cuts: list[int], count: int, size: int
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / segment_name(1)).touch()
        writer = SegmentWriter(name, segment_bytes=size)
        with Tail(folder) as tail:
            for piece in pieces("".join(f"{line}\n" for line in lines).encode(), cuts):
                writer.write(piece)
            writer.close()
            followed = [line.text for line in iter_tail(tail)]
        there = texts(folder)
        assert followed == lines
        assert there == lines[len(lines) - len(there) :]
        assert texts(folder, count) == there[max(0, len(there) - count) :]


def iter_tail(tail: Tail) -> list[RawLine]:
    found: list[RawLine] = []
    while batch := tail.read():
        found += batch
    return found


def test_old_segments_are_removed_unless_a_reader_has_them_open(tmp_path: Path) -> None:
    writer = SegmentWriter(str(tmp_path), segment_bytes=1)
    writer.write(b"1\n2\n")
    tail = Tail(tmp_path)
    for number in range(3, 13):
        writer.write(b"%d\n" % number)
    assert segment_numbers(str(tmp_path))[0] == 2, "the one that the reader is at"
    assert [line.text for line in iter_tail(tail)] == [str(number) for number in range(3, 13)]
    tail.__exit__(None, None, None)
    writer.write(b"13\n")
    writer.close()
    assert len(segment_numbers(str(tmp_path))) == KEPT_SEGMENTS


def test_a_stalled_reader_does_not_fill_the_disk(tmp_path: Path) -> None:
    writer = SegmentWriter(str(tmp_path), segment_bytes=1)
    writer.write(b"first\n")
    with Tail(tmp_path) as tail:
        for number in range(2 * MOST_SEGMENTS):
            writer.write(b"%d\n" % number)
        assert len(segment_numbers(str(tmp_path))) <= MOST_SEGMENTS
        told = [line.text for line in iter_tail(tail)]
    writer.close()
    assert told[0] == "0", "what it was at is still there for it"
    assert [int(number) for number in told[1:]] == list(range(int(told[1]), 2 * MOST_SEGMENTS))


def test_an_incomplete_line_of_a_killed_writer_does_not_spoil_the_next(tmp_path: Path) -> None:
    now = stamp(1_000_000_000)
    (tmp_path / segment_name(1)).write_text(f"{now} whole\n{now} cut")
    assert texts(tmp_path, 5) == ["whole"]
    writer = SegmentWriter(str(tmp_path))
    writer.write(b"next\n")
    writer.close()
    assert texts(tmp_path) == ["whole", "cut", "next"]


def test_a_tail_begins_with_the_next_whole_line(tmp_path: Path) -> None:
    now = stamp(1_000_000_000)
    path = tmp_path / segment_name(1)
    path.write_text(f"{now} old\n{now} begun")
    with Tail(tmp_path) as tail:
        assert tail.read() == []
        with path.open("a") as file:
            file.write(f" and ended\r\n{now} new\n")
        assert [line.text for line in tail.read()] == ["begun and ended", "new"]


def test_since_chooses_by_the_time_of_arrival(tmp_path: Path) -> None:
    seconds = [1, 2, 3]
    text = "".join(f"{stamp(second * 10**9 + 5_000)} {second}\n" for second in seconds)
    (tmp_path / segment_name(1)).write_text(text)
    times = [datetime.fromtimestamp(second + 5e-6, UTC) for second in seconds]
    assert [line.time for line in lines_of(tmp_path)] == times
    since = datetime.fromtimestamp(2, UTC)
    assert [line.text for line in lines_of(tmp_path, since)] == ["2", "3"]


def test_a_line_without_end_is_kept_in_pieces(tmp_path: Path) -> None:
    writer = SegmentWriter(str(tmp_path))
    for _ in range(3):
        writer.write(b"x" * MAX_LINE)
    writer.close()
    assert "".join(texts(tmp_path)) == "x" * 3 * MAX_LINE


def test_a_full_disk_loses_lines_and_reports_their_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SegmentWriter(str(tmp_path))
    real = os.write

    def full(file: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    writer.write(b"before\n")
    monkeypatch.setattr(os, "write", full)
    writer.write(b"lost\n")
    monkeypatch.setattr(os, "write", real)
    writer.write(b"after\n")
    writer.close()
    before, told, after = texts(tmp_path)
    assert (before, after) == ("before", "after")
    assert "bytes of output were lost" in told


def test_files_that_are_no_segments_are_kept(tmp_path: Path) -> None:
    (tmp_path / "notes.log").write_text("mine")
    (tmp_path / segment_name(7)).write_text("no time here\n\n2026-01-01T00:00:00 no zone\n")
    assert segment_numbers(str(tmp_path)) == [7]
    assert texts(tmp_path) == []
    assert segment_numbers(str(tmp_path / "nowhere")) == []
