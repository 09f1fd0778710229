"""Identity of processes, which differs even if a pid is reused."""

from __future__ import annotations

import os
import subprocess
import sys

from stanlocal.machine.process_identity import birth_of


def test_a_process_has_one_birth_and_another_has_another() -> None:
    with subprocess.Popen(["sleep", "600"]) as process:
        birth = birth_of(process.pid)
        assert birth is not None
        assert birth_of(process.pid) == birth
        assert birth_of(os.getpid()) not in (None, birth)
        process.kill()


def test_an_ended_process_has_none_even_as_a_zombie() -> None:
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert birth_of(process.pid) is None, "a zombie"
    assert birth_of(process.pid) is None
