"""CPU and memory use of processes: measured from one moment to another, without those that are gone."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil
import pytest

from stanlocal.machine import process_usage
from stanlocal.machine.process_usage import UsageSample, of_processes


@pytest.fixture(params=["own", "psutil"])
def _reading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read both as on Linux and as elsewhere."""
    if request.param == "psutil":
        monkeypatch.setattr(process_usage, "_reading", process_usage._reading_by_psutil)


@pytest.mark.usefixtures("_reading")
def test_a_busy_process_has_used_what_it_took_since_the_sample_began() -> None:
    sample, before = UsageSample({"stan-0": os.getpid()}), time.process_time()
    while time.process_time() < before + 0.1:
        pass
    elapsed = time.process_time() - before
    share, resident = sample.used()["stan-0"]
    assert 0 < share <= 1.2
    assert share > elapsed / 60  # a busy machine gives little
    assert resident == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)


@pytest.mark.usefixtures("_reading")
def test_a_process_that_has_ended_is_left_out() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as idle:
        gone = subprocess.Popen([sys.executable, "-c", ""])
        sample = UsageSample({"stan-0": idle.pid, "stan-1": gone.pid})
        gone.wait()
        assert sample.used().keys() == {"stan-0"}
        assert of_processes({"stan-1": gone.pid}) == {}
        idle.communicate(b"\n")


def test_a_sample_covers_some_time() -> None:
    began = time.monotonic()
    of_processes({"stan-0": os.getpid()})
    assert time.monotonic() - began >= 0.05
    began = time.monotonic()
    assert of_processes({}) == {}
    assert time.monotonic() - began < 0.05
