"""The plan of leaving for JetStream, as the data pane shows it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stanlocal.access.secrets_folder import SecretsFolder
from stanlocal.group.home import GroupHome
from stanlocal.machine.user_dirs import group_folder
from stanlocal.tui.data.migration import migration_of
from tests.support.facts import group_plan
from tests.support.stores import encrypted, make_store, slice_of


def test_the_plan_of_an_encrypted_store_is_made_with_the_groups_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    home = GroupHome(group_folder("stan"))
    plan = replace(group_plan(), state_dir=str(home.folder))
    home.save_plan(plan)
    store = make_store(tmp_path / "store", [slice_of(encrypted("secret", "orders", b"one", b"two"))])
    assert "encrypted" in {finding.kind for finding in migration_of(store, "stan").findings}
    SecretsFolder(Path(plan.secrets_dir)).save({"encryption_key": "secret"}, {})
    made = migration_of(store, "stan")
    assert "encrypted" not in {finding.kind for finding in made.findings}
    assert [each["next"] for each in made.documents] == ["1-2"]
