"""Which cgroups the cluster's processes are in."""

from __future__ import annotations

from pathlib import Path

from tests.kubernetes.cluster.cgroups import hierarchies

_V1 = """tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
"""
_V2 = """cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0
proc /proc proc rw 0 0
"""


def test_every_hierarchy_counts_also_that_of_version_2_beside_version_1_where_pods_are_too() -> None:
    assert hierarchies(_V1) == [Path(f"/sys/fs/cgroup/{name}") for name in ("cpu", "memory", "unified")]


def test_version_2_has_one_hierarchy() -> None:
    assert hierarchies(_V2) == [Path("/sys/fs/cgroup")]


def test_a_machine_without_cgroups_has_none() -> None:
    assert hierarchies("proc /proc proc rw 0 0\n") == []
