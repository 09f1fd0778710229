"""Writes that are whole or an error."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.errors import StateError
from stanlocal.util.durable_write import full_disk_reported, write_all


@given(st.binary(), st.lists(st.integers(1, 5)))
def test_a_file_that_takes_parts_gets_all_of_it(data: bytes, counts: list[int]) -> None:
    taken = bytearray()
    left = iter(counts)

    def write(descriptor: int, part: bytes) -> int:
        count = min(next(left, len(part)), len(part))
        taken.extend(part[:count])
        return count

    write_all(1, data, write)
    assert bytes(taken) == data


def test_a_file_that_takes_nothing_is_full() -> None:
    with pytest.raises(OSError, match="No space left"):
        write_all(1, b"data", lambda descriptor, part: 0)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_file_system_that_takes_no_more_is_said_in_one_line(tmp_path: Path, number: int) -> None:
    reason = os.strerror(number).lower()
    said = f"^{tmp_path}/x cannot be written: {reason}; make room"
    with pytest.raises(StateError, match=said), full_disk_reported(tmp_path / "x"):
        raise OSError(number, os.strerror(number))


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), full_disk_reported(tmp_path / "x"):
        raise PermissionError(errno.EACCES, "no")
