"""Identity of this machine, as far as it can be known."""

from __future__ import annotations

from pathlib import Path

import pytest

from stanlocal.machine import machine_identity
from stanlocal.machine.machine_identity import boot_id, machine_id, pid_namespace

ID = "3d1219c7c4c5404aaa1f6d2a48adfda4"


@pytest.fixture
def namespace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The first process table of a machine."""
    path = tmp_path / "pid"
    path.touch()
    monkeypatch.setattr(machine_identity, "INITIAL_PID_NAMESPACE", path.stat().st_ino)
    return path


def test_a_machine_is_known_by_its_id_which_is_not_shown(tmp_path: Path, namespace: Path) -> None:
    (tmp_path / "machine-id").write_text(f"{ID}\n")
    found = machine_id(tmp_path / "machine-id", namespace)
    assert found is not None
    assert found not in ID
    (tmp_path / "machine-id").write_text(f"{ID[::-1]}\n")
    assert machine_id(tmp_path / "machine-id", namespace) != found


@pytest.mark.parametrize("text", ["", "uninitialized\n", "\xff" * 32])
def test_a_machine_without_an_id_of_its_own_is_unknown(tmp_path: Path, namespace: Path, text: str) -> None:
    (tmp_path / "machine-id").write_bytes(text.encode("latin-1"))
    assert machine_id(tmp_path / "machine-id", namespace) is None
    assert machine_id(tmp_path / "absent", namespace) is None


def test_the_images_id_is_ignored_in_a_container(tmp_path: Path) -> None:
    (tmp_path / "machine-id").write_text(f"{ID}\n")
    (tmp_path / "pid").touch()
    assert machine_id(tmp_path / "machine-id", tmp_path / "pid") is None


def test_boot_and_process_table_stay_what_they_are() -> None:
    assert (boot_id(), pid_namespace()) == (boot_id(), pid_namespace())
