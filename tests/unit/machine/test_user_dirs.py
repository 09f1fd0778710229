"""Folders in which stanlocal keeps its files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from stanlocal.errors import SettingsError
from stanlocal.machine.user_dirs import cache_folder, group_folder, make_private, state_home


def test_xdg_homes_come_first() -> None:
    environ = {"XDG_STATE_HOME": "/s", "XDG_CACHE_HOME": "/c"}
    assert state_home(environ) == Path("/s/stanlocal")
    assert cache_folder(environ) == Path("/c/stanlocal")
    assert group_folder("stan", environ) == Path("/s/stanlocal/stan")


@pytest.mark.parametrize("value", ["", "relative/path", "./x"])
def test_a_relative_xdg_home_is_ignored(value: str) -> None:
    home = state_home({"XDG_STATE_HOME": value})
    assert home.is_absolute()
    assert home.name == "stanlocal"
    assert cache_folder({"XDG_CACHE_HOME": value}) != home


@pytest.mark.parametrize("name", ["", ".", "..", "../other", "a/b", "/etc", "a\0"])
def test_a_groups_name_cannot_lead_out_of_the_state_folder(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        group_folder(name)


def test_every_folder_that_is_made_is_its_owners_only(tmp_path: Path) -> None:
    folder = make_private(tmp_path / "a" / "b" / "c")
    assert make_private(folder) == folder
    for made in (folder, *folder.parents[:2]):
        assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_private(tmp_path / "a")
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


@pytest.mark.parametrize("below", [".", "a"])
def test_a_file_in_the_way_is_named(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"/file.*XDG_STATE_HOME"):
        make_private(tmp_path / "file" / below)


def test_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(SettingsError, match="belongs to uid"):
        make_private(tmp_path)
