"""Processes of the cluster, found again by the pid that each writes."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.kubernetes.cluster import cgroups
from tests.kubernetes.cluster.daemons import Daemons
from tests.kubernetes.cluster.layout import Paths
from tests.kubernetes.cluster.program import Program

_SLEEP = Program("sleeper", ("sleep", "1000"))


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """The folders of a cluster; the file that takes its processes' pids is no cgroup's."""
    made = Paths(tmp_path)
    made.pids.mkdir()
    made.logs.mkdir()
    entrance = tmp_path / "cgroup.procs"
    monkeypatch.setattr(cgroups, "entrances", lambda: [entrance])
    monkeypatch.setattr(cgroups, "is_member", lambda pid: entrance.read_text() == f"{pid}\n")
    return made


def test_a_process_is_started_once_found_by_another_command_and_ended(paths: Paths) -> None:
    daemons = Daemons(paths)
    daemons.start(_SLEEP)
    pid = Daemons(paths).pid("sleeper")
    assert pid is not None
    daemons.start(_SLEEP)
    assert Daemons(paths).pid("sleeper") == pid
    assert not daemons.ended("sleeper")
    daemons.end("sleeper", signal.SIGKILL)
    assert daemons.pid("sleeper") is None
    assert daemons.ended("sleeper")


def test_a_pid_that_belongs_to_another_process_by_now_is_none_of_the_cluster(paths: Paths) -> None:
    (paths.pids / "etcd").write_text("1\n")
    (paths.root / "cgroup.procs").write_text("2\n")
    assert Daemons(paths).pid("etcd") is None


def test_a_process_that_was_never_started_has_not_ended(paths: Paths) -> None:
    assert not Daemons(paths).ended("etcd")
