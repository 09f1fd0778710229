"""Identity of processes, which differs even if a pid is reused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from stanlocal.machine.process_identity import birth_of, is_stopped


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


@pytest.mark.skipif(sys.platform != "linux", reason="by a file of Linux")
def test_a_process_that_a_signal_has_stopped_is_known_until_it_goes_on() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        assert not is_stopped(process.pid)
        for sent, stopped in ((signal.SIGSTOP, True), (signal.SIGCONT, False)):
            process.send_signal(sent)
            os.waitpid(process.pid, os.WUNTRACED | os.WCONTINUED)
            assert is_stopped(process.pid) is stopped
        process.kill()
    assert not is_stopped(process.pid)
