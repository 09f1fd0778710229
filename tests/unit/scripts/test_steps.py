"""The steps of `scripts/test`: shown in order, ended together, with the exit code of the first that fails."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.support.cli import ROOT

_STEPS = f"""
set -euo pipefail
source {ROOT}/scripts/lib/common.sh
source {ROOT}/scripts/lib/steps.sh
fails() {{ echo "$1"; return "$2"; }}
waits() {{ echo $BASHPID; mkfifo pipe; read -r _ <pipe; }}
"""


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", _STEPS + script], cwd=folder, capture_output=True, text=True, timeout=60
    )


def test_steps_beside_are_shown_once_they_are_waited_for(tmp_path: Path) -> None:
    done = run(
        "beside a echo first; beside b echo second; step c echo third; join; step d echo fourth", tmp_path
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert lines == ["==> c", "third", "==> a", "first", "==> b", "second", "==> d", "fourth"]


def test_a_step_that_fails_ends_the_run_with_its_exit_code(tmp_path: Path) -> None:
    done = run("step a fails why 7; step b echo never", tmp_path)
    assert (done.returncode, "never" in done.stdout) == (7, False)
    assert done.stderr == "stanlocal: 'a' failed with exit code 7\n"


def test_a_step_beside_that_fails_ends_the_run_with_its_output_and_exit_code(tmp_path: Path) -> None:
    done = run("beside a fails why 7; step b echo goes-on; join; step c echo never", tmp_path)
    assert (done.returncode, "never" in done.stdout) == (7, False)
    assert "==> a\nwhy\n" in done.stdout
    assert done.stderr == "stanlocal: 'a' failed with exit code 7\n"


def test_background_steps_end_with_the_run(tmp_path: Path) -> None:
    script = 'beside a waits; until [[ -s $steps_folder/0 ]]; do :; done; cat "$steps_folder/0"; step b false'
    done = run(script, tmp_path)
    assert done.returncode == 1
    pid = int(done.stdout.splitlines()[0])
    subprocess.run(["tail", f"--pid={pid}", "-f", os.devnull], timeout=30, check=True)
