"""Whose process is gone, and whose is not or cannot be told."""

from __future__ import annotations

import subprocess
import sys

from stanlocal.lifecycle.orphans import has_ended, this_process

_TELL = "from stanlocal.lifecycle.orphans import this_process; print(this_process(), flush=True); input()"


def test_a_process_that_runs_has_not_ended() -> None:
    assert not has_ended(this_process())


def test_a_process_has_ended_when_it_is_gone() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _TELL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        told = process.stdout.readline().rstrip("\n")
        assert not has_ended(told)
        process.kill()
        process.wait()
        assert has_ended(told)


def test_another_process_with_the_same_pid_is_not_taken_for_it() -> None:
    pid, namespace, birth = this_process().split(" ", 2)
    assert has_ended(f"{pid} {namespace} {birth}0")


def test_of_a_process_that_another_container_counts_nothing_is_said() -> None:
    pid, _, birth = this_process().split(" ", 2)
    assert not has_ended(f"{pid} pid:[1] {birth}0")
