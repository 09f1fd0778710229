"""Whether a run of `scripts/test` has the cluster, and whether it takes it down."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.support.cli import ROOT

_SCRIPT = f"""
set -euo pipefail
source {ROOT}/scripts/lib/common.sh
source {ROOT}/scripts/lib/cluster.sh
cluster() {{ [[ $1 == status ]] || {{ echo "cluster $1"; return; }}; echo "is so"; return "$STATE"; }}
plan_cluster "$DEMANDED"
echo "has=$has_cluster"
stop_cluster
"""
UP, DOWN, NOT_BUILT, CANNOT_RUN = 0, 3, 4, 5


def plan(state: int, *, demanded: bool = False, ci: bool = False) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "STATE": str(state), "DEMANDED": "1" if demanded else ""}
    environment["CI"] = "true" if ci else ""
    return subprocess.run(["bash", "-c", _SCRIPT], env=environment, capture_output=True, text=True)


def test_a_cluster_that_is_up_is_used_and_left_up() -> None:
    done = plan(UP)
    assert (done.returncode, done.stdout) == (0, "has=1\n")


def test_a_cluster_that_was_built_is_brought_up_and_taken_down() -> None:
    done = plan(DOWN)
    assert (done.returncode, done.stdout) == (0, "has=1\ncluster down\n")


@pytest.mark.parametrize("state", [NOT_BUILT, CANNOT_RUN])
def test_one_line_says_that_the_tests_on_a_cluster_are_left_out(state: int) -> None:
    done = plan(state)
    assert (done.returncode, done.stdout) == (0, "has=\n")
    [line] = done.stderr.splitlines()
    assert "cluster tests left out: is so" in line


@pytest.mark.parametrize("how", ["demanded", "ci"])
def test_a_cluster_is_built_where_it_is_demanded(how: str) -> None:
    done = plan(NOT_BUILT, **{how: True})
    assert (done.returncode, done.stdout) == (0, "has=1\ncluster down\n")


@pytest.mark.parametrize("how", ["demanded", "ci"])
def test_a_demanded_cluster_that_cannot_run_is_a_failure_with_the_reason(how: str) -> None:
    done = plan(CANNOT_RUN, **{how: True})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "stanlocal: is so\n"
