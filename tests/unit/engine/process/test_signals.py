"""Signals reach exactly the intended process or none, with pidfds and without."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from stanlocal.engine.process.node_files import Identity
from stanlocal.engine.process.signals import send
from stanlocal.errors import EngineError
from stanlocal.machine.process_identity import birth_of


def _refuse(pid: int) -> int:
    raise PermissionError(1, "Operation not permitted")


@pytest.fixture(params=["descriptors", "refused", "unknown"])
def _descriptors(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "refused":  # by the seccomp profile of an older container engine
        monkeypatch.setattr(os, "pidfd_open", _refuse, raising=False)
    elif request.param == "unknown":  # not Linux
        monkeypatch.delattr(os, "pidfd_open", raising=False)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


@pytest.mark.usefixtures("_descriptors")
def test_only_the_intended_process_gets_the_signal_and_none_after_its_end(
    sleeper: subprocess.Popen[bytes],
) -> None:
    birth = birth_of(sleeper.pid)
    assert birth is not None
    meant = Identity(sleeper.pid, birth)
    assert send(meant, signal.SIGTERM)
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not send(meant, signal.SIGTERM), "a zombie"
    assert sleeper.wait() == -signal.SIGTERM
    assert not send(meant, signal.SIGTERM)


@pytest.mark.usefixtures("_descriptors")
def test_another_process_with_its_pid_does_not_get_it(sleeper: subprocess.Popen[bytes]) -> None:
    assert not send(Identity(sleeper.pid, "another birth"), signal.SIGKILL)
    assert sleeper.poll() is None


def test_a_process_of_another_user_is_an_error(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "pidfd_open", _refuse, raising=False)
    monkeypatch.setattr(os, "kill", lambda pid, number: _refuse(pid))
    birth = birth_of(sleeper.pid)
    assert birth is not None
    with pytest.raises(EngineError, match="belongs to another user"):
        send(Identity(sleeper.pid, birth), signal.SIGTERM)
