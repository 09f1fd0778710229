"""Ledgers are written as things happen, and read whatever became of their end."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.drill.analysis.checker import check
from stanlocal.drill.ledger.entries import CELL, Header, Kind, Note
from stanlocal.drill.ledger.reader import LedgerReading, Torn, read, read_bytes
from stanlocal.drill.ledger.writer import Ledger
from stanlocal.drill.scenario.spec import LoadSpec
from stanlocal.errors import LedgerError
from tests.unit.drill.story import Event, Story, Told, clean_stories

HEADER = Header(LoadSpec()).line()
NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, UTC)
ROOT = Path(__file__).resolve().parents[4]


async def test_recorded_events_can_be_read(tmp_path: Path) -> None:
    """Header, events and notes come back as they were recorded, in order."""
    header = Header(LoadSpec(publishers=3, sizes=(64, 128)), "d", "g", 5, NOW, 99, {"a": [1]}, {"v": "1"})
    with Ledger.create(tmp_path / "folder" / "l", header) as ledger:
        before = ledger.event(Kind.PUBLISHED, 1, 7)
        ledger.note("fault", NOW, name="kill", targets=["stan-0"], text="ü" * 100)
        ledger.event(Kind.DELIVERED, 1, 7, 2, 2**63, 1, 3)
    reading = read(tmp_path / "folder" / "l")
    published, note, delivered = reading.parts()
    assert reading.header == header
    assert isinstance(published, bytes)
    assert CELL.unpack(published)[:4] == (before, 0, 7, 0)
    assert note == Note("fault", NOW, {"name": "kill", "targets": ["stan-0"], "text": "ü" * 100})
    assert isinstance(delivered, bytes)
    assert CELL.unpack(delivered)[1:] == (2**63, 7, 3, 1, 2, 1, Kind.DELIVERED)
    assert list(reading.notes()) == [note]


async def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    """A ledger is readable by its owner only."""
    Ledger.create(tmp_path / "l", Header(LoadSpec())).close()
    assert (tmp_path / "l").stat().st_mode & 0o777 == 0o600


async def test_a_file_that_is_there_is_left(tmp_path: Path) -> None:
    """A ledger never takes the place of anything."""
    (tmp_path / "l").write_text("mine")
    with pytest.raises(LedgerError, match=r"no ledger can be made at .*: File exists; choose another"):
        Ledger.create(tmp_path / "l", Header(LoadSpec()))
    assert (tmp_path / "l").read_text() == "mine"


async def test_a_note_is_written_at_once(tmp_path: Path) -> None:
    """A note and all that came before can be read once `note` returns."""
    with Ledger.create(tmp_path / "l", Header(LoadSpec())) as ledger:
        ledger.event(Kind.PUBLISHED, 0, 1)
        ledger.note("fault", NOW)
        assert len(list(read(tmp_path / "l").parts())) == 2


async def test_events_follow_by_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events reach the disk without a request."""
    monkeypatch.setattr("stanlocal.drill.ledger.writer.FLUSH_S", 0.0)
    with Ledger.create(tmp_path / "l", Header(LoadSpec())) as ledger:
        ledger.event(Kind.PUBLISHED, 0, 1)
        for _ in range(3):
            await asyncio.sleep(0)
        assert len(list(read(tmp_path / "l").parts())) == 1


class FullDisk(io.BytesIO):
    """A file that takes some bytes, and no more."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, data: Any) -> int:
        if self.tell() >= self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data[: self.room - self.tell()])


async def test_a_full_disk_is_said() -> None:
    """The first note that does not fit raises, what follows is dropped, and what fits can be read."""
    header = Header(LoadSpec())
    disk = FullDisk(len(header.line()) + 2 * CELL.size + 10)
    disk.write(header.line())
    ledger = Ledger(Path("l"), disk, header)
    for number in (1, 2, 3):
        ledger.event(Kind.PUBLISHED, 0, number)
    with pytest.raises(LedgerError, match="l cannot be written: No space left on device; make room"):
        ledger.note("fault", NOW)
    assert ledger.failure is not None
    disk.room = 1 << 20
    with pytest.raises(LedgerError):
        ledger.note("heal", NOW)
    events, torn = read_bytes(disk.getvalue()).parts()
    assert isinstance(events, bytes)
    assert len(events) == 2 * CELL.size
    assert torn == Torn(len(header.line()) + 2 * CELL.size, "10 bytes, less than a cell")


_KILLED = """
import asyncio, os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from stanlocal.drill.ledger.entries import Header, Kind
from stanlocal.drill.ledger.writer import Ledger
from stanlocal.drill.scenario.spec import LoadSpec

async def main():
    ledger = Ledger.create(Path(sys.argv[1]), Header(LoadSpec()))
    for number in range(1, 10_001):
        ledger.event(Kind.PUBLISHED, 0, number)
        ledger.event(Kind.ACKED, 0, number)
    ledger.note("fault", datetime.now(UTC), name="kill")
    ledger.event(Kind.PUBLISHED, 0, 10_001)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def test_a_killed_drill_has_its_ledger(tmp_path: Path) -> None:
    """After kill -9 all is there that came before the last note, and can be judged."""
    path = tmp_path / "l"
    ended = subprocess.run([sys.executable, "-c", _KILLED, str(path)], cwd=ROOT, timeout=30, check=False)
    assert ended.returncode == -signal.SIGKILL
    findings = check(read(path))
    assert (findings.acked, findings.faults, findings.drained) == (10_000, 1, False)


STORY = (
    Story()
    .publish(0, 1, 2)
    .note("fault", name="kill", targets=["stan-0"])
    .deliver(0, 0, 1, 1)
    .ack(0, 1)
    .note("heal", name="kill")
)


@given(st.integers(0, len(STORY.written()) - 1))
def test_cut_short_anywhere(size: int) -> None:
    """A ledger that ends in the middle of a record gives all that is whole, and reports the rest."""
    written = STORY.written()[:size]
    header, *boundaries = accumulate(map(len, STORY.pieces()))
    if size < header:
        with pytest.raises(LedgerError, match="is not a drill's ledger"):
            read_bytes(written)
        return
    whole = max(boundary for boundary in (header, *boundaries) if boundary <= size)
    torn = [part for part in read_bytes(written).parts() if isinstance(part, Torn)]
    assert [each.offset for each in torn] == ([] if size == whole else [whole])
    findings = check(read_bytes(written))
    assert findings.torn == (f"it ends at byte {whole} with {torn[0].what}" if torn else None)
    assert findings.published == min(2, boundaries.index(whole) + 1 if whole > header else 0)


@given(clean_stories(), st.data())
def test_any_byte_changed(story: Story, data: st.DataObject) -> None:
    """A damaged ledger is read or refused, in our own words, never with a defect."""
    written = bytearray(story.written())
    written[data.draw(st.integers(0, len(written) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        check(read_bytes(bytes(written)))
    except LedgerError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either way is right


@given(st.binary(max_size=300))
def test_any_bytes_at_all(noise: bytes) -> None:
    """Whatever follows a header is read without a defect."""
    written = Header(LoadSpec()).line() + noise
    try:
        check(read_bytes(written))
    except LedgerError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either way is right


def test_zeros_at_the_end() -> None:
    """Bytes that a machine without power may leave behind a file's last ones are a torn end."""
    *_, torn = read_bytes(STORY.written() + bytes(64)).parts()
    assert torn == Torn(len(STORY.written()), "a cell that was begun and not finished, or is damaged")


@pytest.mark.parametrize(
    ("first_line", "why"),
    [
        (b"", "its first line is not a ledger's"),
        (b"{}" + b" " * 29 + b"\n", "its first line is not a ledger's"),
        (b"[" * 31 + b"\n", "."),
        (HEADER.replace(b'"version":1', b'"version":2'), "it is of version 2, this is for 1"),
        (HEADER.replace(b'"publishers":2', b'"publishers":0'), "publishers is 0: give a whole"),
        (HEADER.replace(b'"seed":null', b'"seed":"no"'), "'seed' in its first line is missing or"),
        (HEADER.replace(b'"seed":null', b'"sead":null'), "'seed' in its first line is missing or"),
        (
            HEADER.replace(b'"started":"2026', b'"started":"9999'),
            "'9999-.*' is not a time that a drill can have",
        ),
        (HEADER.replace(b'"queue":0', b'"quota":0'), "a load has no quota"),
    ],
    ids=["empty", "no object", "nested", "version", "load", "seed", "no seed", "started", "unknown"],
)
def test_no_ledger(tmp_path: Path, first_line: bytes, why: str) -> None:
    """A file that is none is refused with its name and the reason."""
    (tmp_path / "l").write_bytes(first_line)
    with pytest.raises(LedgerError, match=f"l is not a drill's ledger: .*{why}"):
        read(tmp_path / "l")


def test_no_file(tmp_path: Path) -> None:
    """A file that is not there is said to be so."""
    with pytest.raises(LedgerError, match="cannot be read: No such file or directory; give a drill's ledger"):
        read(tmp_path / "none")


def test_a_ledger_that_goes_away(tmp_path: Path) -> None:
    """A file that disappears between its header and the rest is refused, too."""
    (tmp_path / "l").write_bytes(STORY.written())
    reading = read(tmp_path / "l")
    (tmp_path / "l").unlink()
    with pytest.raises(LedgerError, match="the ledger cannot be read: No such file"):
        list(reading.parts())


@pytest.mark.parametrize(
    ("story", "what"),
    [
        (Story().publish(0, 2), "number 2 was published after 0"),
        (Story().publish(2, 1), "an event of publisher 2"),
        (Story().ack(0, 1), "an answer to number 1 of publisher 0, which waits for none"),
        (Story().publish(0, 1).ack(0, 1, 1), "an answer to number 1 of publisher 0, which waits for none"),
        (Story().publish(0, 1).deliver(9, 0, 1, 1), "a delivery to reader 9"),
        (Story().tell(Event(Kind.STRANGE, 3, 0, 0)), "a delivery on channel 3"),
    ],
)
def test_an_impossible_record_damages_the_ledger(story: Story, what: str) -> None:
    """An impossible record is not counted as if it were true: the ledger is damaged."""
    with pytest.raises(LedgerError, match=f"the ledger is damaged: {what}; nothing can be said from it"):
        story.findings()


def test_many_notes_are_read_in_one_go() -> None:
    """A ledger of notes is read with what a piece takes, not with what all of it takes."""
    story = Story().tell(*(Told("step", {"text": "x" * 1000, "n": n}) for n in range(3000)))
    assert [note.fields["n"] for note in story.reading().notes()] == list(range(3000))


class Reads(io.BytesIO):
    """Remembers how much was asked for at once."""

    most = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.most = max(self.most, size or 0)
        return super().read(size)


def test_a_note_that_claims_to_be_huge() -> None:
    """An impossible length of a note is refused before memory is reserved."""
    claim = CELL.pack(0, 0, 2**32 - 1, 0, 0, 0, 0, Kind.NOTE)
    file = Reads(HEADER + claim)
    (torn,) = LedgerReading(Header(LoadSpec()), lambda: file).parts()
    assert torn == Torn(len(HEADER), "a note that was begun and not finished, or is damaged")
    assert file.most < 2**24
