"""The store that a command reads: whose limits, cluster id and key count for a copy."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from stanlocal.cli.app import app
from stanlocal.cli.context import Context
from stanlocal.cli.store_folder import store_folder
from stanlocal.group.home import GroupHome
from stanlocal.machine.user_dirs import group_folder
from stanlocal.model.plan import GroupPlan
from stanlocal.store.layout import MARKER_FILE
from tests.support.damage import sound
from tests.support.facts import group_plan

_ID = "0123456789abcdef"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GroupPlan:
    """The plan of a group of the caller's; its store is `tmp_path / "store"`."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    plan = replace(group_plan(), store_dir=str(sound(tmp_path / "store")), group_id=_ID)
    GroupHome(group_folder(plan.group)).save_plan(plan)
    return plan


def copy_with_marker(tmp_path: Path, **differs: object) -> Path:
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "store", copy)
    marker = {"group": "stan", "created": "", "adopted": False, "id": _ID, "version": 2, **differs}
    (copy / MARKER_FILE).write_text(json.dumps(marker))
    return copy


def test_a_copy_of_ones_own_groups_store_is_read_with_its_groups_plan(own: GroupPlan, tmp_path: Path) -> None:
    copy = copy_with_marker(tmp_path)
    assert store_folder(Context(), copy, "'--dir'") == (copy, own)


@pytest.mark.parametrize(
    "differs", [{"id": "f" * 16}, {"id": None}, {"group": "theirs"}, {"group": "../stan"}, {"group": "."}]
)
def test_any_other_store_is_read_without_a_plan(
    own: GroupPlan, tmp_path: Path, differs: dict[str, object]
) -> None:
    copy = copy_with_marker(tmp_path, **differs)
    assert store_folder(Context(), copy, "'--dir'") == (copy, None)


def test_a_plan_or_a_marker_that_is_damaged_does_not_count(own: GroupPlan, tmp_path: Path) -> None:
    copy = copy_with_marker(tmp_path)
    GroupHome(group_folder("stan")).plan_file.write_text("{")
    assert store_folder(Context(), copy, "'--dir'") == (copy, None)
    (copy / MARKER_FILE).write_text("[]")
    assert store_folder(Context(), copy, "'--dir'") == (copy, None)


def test_verify_takes_the_folder_as_an_argument_and_the_bare_command_says_how(
    own: GroupPlan, tmp_path: Path
) -> None:
    copy = copy_with_marker(tmp_path)
    checked = CliRunner().invoke(app, ["store", "verify", str(copy), "--json"], obj=Context())
    assert json.loads(checked.output)["ok"] is True
    refused = CliRunner().invoke(app, ["store", str(copy)], obj=Context())
    assert f"name a folder with '--dir {copy}'" in refused.output


def test_verify_refuses_two_folders_of_which_it_would_read_one(own: GroupPlan, tmp_path: Path) -> None:
    copy = copy_with_marker(tmp_path)
    refused = CliRunner().invoke(
        app, ["store", "verify", str(copy), "--dir", str(tmp_path / "store")], obj=Context()
    )
    assert refused.exit_code == 2
    assert "name the one to be checked" in refused.output
