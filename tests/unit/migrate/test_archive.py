"""Archives that say they hold more than anyone may: refused before the memory is taken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cramjam import snappy

from stanlocal.errors import StoreRefused
from stanlocal.migrate.archive.entries import END, MAGIC, entry
from stanlocal.migrate.archive.reading import read_archive
from stanlocal.store.format.varints import varint_of

_IDENTIFIER = b"\xff\x06\0\0sNaPpY"


def archive(folder: Path, content: bytes) -> Path:
    path = folder / "archive"
    path.write_bytes(content)
    return path


def test_a_whole_archive_is_read(tmp_path: Path) -> None:
    content = MAGIC + entry("a/1", b"x" * 100_000, time=-7, sequence=1) + END
    (found,) = read_archive(archive(tmp_path, bytes(snappy.compress(content))))
    assert (found.name, found.time, found.sequence, len(found.data)) == ("a/1", -7, 1, 100_000)


def test_a_frame_that_says_it_is_larger_than_frames_can_be_is_refused(tmp_path: Path) -> None:
    """Nothing is unpacked: four gigabytes would be taken for ten bytes."""
    body = bytes(4) + varint_of(0xFFFF_FFFF) + b"\0x"
    frame = b"\0" + len(body).to_bytes(3, "little") + body
    with pytest.raises(StoreRefused, match="a frame of 4,294,967,295 bytes"):
        list(read_archive(archive(tmp_path, _IDENTIFIER + frame)))


def test_an_entry_that_says_it_is_larger_than_any_is_refused(tmp_path: Path) -> None:
    """It is not waited for until the whole file is held."""
    head = b"".join(map(varint_of, (3, 0, 1, 0, 1 << 40)))
    content = MAGIC + head + b"a/1" + b"x" * 100
    with pytest.raises(StoreRefused, match="an entry of 1,099,511,627,779 bytes"):
        list(read_archive(archive(tmp_path, bytes(snappy.compress(content)))))


@pytest.mark.parametrize("data", [os.urandom(1000), b"x" * 1000], ids=["uncompressed", "compressed"])
def test_a_changed_bit_of_any_frame_is_refused(tmp_path: Path, data: bytes) -> None:
    content = bytearray(snappy.compress(MAGIC + entry("a/1", data, sequence=1) + END))
    content[content.index(b"a/1")] ^= 1
    with pytest.raises(StoreRefused, match=r"is damaged .*checksum.*; pack the store again"):
        list(read_archive(archive(tmp_path, bytes(content))))


def test_a_frame_that_is_marked_as_one_to_skip_by_a_changed_bit_is_refused(tmp_path: Path) -> None:
    content = bytearray(snappy.compress(MAGIC + entry("a/1", b"x", sequence=1) + END))
    content[len(_IDENTIFIER)] ^= 0x80
    with pytest.raises(StoreRefused, match="a frame of unknown kind 129"):
        list(read_archive(archive(tmp_path, bytes(content))))


def test_what_stands_before_a_changed_frame_is_read(tmp_path: Path) -> None:
    """Memory stays flat: each frame is compared by itself, not the whole archive beforehand."""
    frames = [MAGIC + entry("a/1", b"x", sequence=1), entry("a/1", os.urandom(100), sequence=2) + END]
    content = bytearray(b"".join(bytes(snappy.compress(each)) for each in frames))
    content[-10] ^= 1
    entries = read_archive(archive(tmp_path, bytes(content)))
    assert next(entries).sequence == 1
    with pytest.raises(StoreRefused, match="is damaged"):
        next(entries)
