"""Temporary files: a full disk is said in one line that names the folder and the cure."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from stanlocal.errors import OutputError
from stanlocal.util.temporary import temporary_file, temporary_folder

KINDS = pytest.mark.parametrize(
    "make", [temporary_file, lambda: temporary_folder("x-")], ids=["file", "folder"]
)
Made = AbstractContextManager[object]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@KINDS
def test_a_full_disk_is_said_with_its_folder_and_nothing_is_left(make: type[Made], place: Path) -> None:
    said = f"^{place} takes no more temporary files: no space left on device; make room there, or .* TMPDIR$"
    with pytest.raises(OutputError, match=said), make():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert list(place.iterdir()) == []


@KINDS
def test_a_machine_without_room_anywhere_is_said(make: type[Made], monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    with pytest.raises(OutputError, match=r"^no folder takes temporary files \(No usable .*TMPDIR$"), make():
        pass


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "full", "/elsewhere/x"), PermissionError(errno.EACCES, "no")],
    ids=["elsewhere", "other"],
)
@KINDS
def test_other_errors_pass(make: type[Made], place: Path, error: OSError) -> None:
    with pytest.raises(OSError, match=error.strerror) as caught, make():
        raise error
    assert caught.value is error
