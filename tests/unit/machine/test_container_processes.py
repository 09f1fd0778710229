"""Processes of a container, by the cgroups of a folder like /proc."""

from __future__ import annotations

from pathlib import Path

from stanlocal.machine.container_processes import processes_in

ID, OTHER = "5a" * 32, "0b" * 32


def test_processes_are_found_by_the_innermost_container_of_their_cgroup(tmp_path: Path) -> None:
    cgroups = {
        "11": f"0::/docker/{ID}\n",
        "12": f"0::/system.slice/docker-{ID}.scope\n",
        "13": f"0::/docker/{OTHER}\n",
        "14": f"0::/docker/{ID}/docker/{OTHER}\n",
        "15": "0::/user.slice\n",
        "self": f"0::/docker/{ID}\n",
    }
    for pid, cgroup in cgroups.items():
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "cgroup").write_text(cgroup)
    (tmp_path / "16").mkdir()  # it has ended meanwhile
    assert sorted(processes_in(ID, tmp_path)) == [11, 12]


def test_a_system_without_the_folder_shows_none(tmp_path: Path) -> None:
    assert processes_in(ID, tmp_path / "proc") == []
