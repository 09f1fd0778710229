"""A short run of each row, on real groups."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from tests.conftest import unavailable
from tests.soak import apart, clock, frame
from tests.soak.full_folders import STATE, TEMPORARY
from tests.soak.rows import ROWS
from tests.soak.small_disk import may_mount
from tests.soak.trial_log import TrialLog
from tests.support import own_engine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200), pytest.mark.docker, pytest.mark.server]

SHORT = [
    ("kills", "docker-2", 6),
    ("kills", "process-3", 6),
    ("restarts", "docker-2", 5),
    ("restarts", "process-2-busy", 5),
    ("tool-kills", "docker", 3),
    ("tool-kills", "process", 5),
    ("two-tools", "docker", 3),
    ("two-tools", "process", 5),
    ("chaos", "docker-3", 1),
    ("daemon-restarts", "docker-2", 2),
    ("daemon-restarts", "process-2", 2),
    ("disk-full", "docker-2", 2),
    ("disk-full", "process-2", 2),
    ("disk-full", "process-2-state", 2),
    ("disk-full", "docker-2-temporary", 2),
    ("clock", "process", 4),
    ("two-users", "docker", 2),
    ("outside", "docker", 3),
    ("containers", "secure", 1),
    ("containers", "login", 1),
    *(("fuzz", kind, 2_000) for kind in ROWS["fuzz"].cases),
]


@pytest.mark.parametrize(("name", "case", "units"), SHORT, ids=lambda each: str(each))
def test_a_short_run_holds(
    name: str,
    case: str,
    units: int,
    tmp_path: Path,
    docker_client: docker.DockerClient,
    server_image: str,
    server_binary: Path,
) -> None:
    if name == "daemon-restarts" and not own_engine.may_run():
        pytest.skip("runs a dockerd and makes namespaces, which takes root on Linux")
    if case.endswith((STATE, TEMPORARY)) and not may_mount():
        pytest.skip("mounts a file system, which takes root on Linux")
    if name == "clock" and clock.library() is None:
        unavailable("no libfaketime; Debian's package of that name has it")
    if name == "two-users" and os.geteuid() != 0:
        pytest.skip("runs commands as another user, which takes root")
    row = ROWS[name]
    row = replace(row, cases=(case,), per_trial=min(units, row.per_trial))
    log = TrialLog(tmp_path / "run.jsonl", 2)
    trials = tmp_path / "trials"
    asyncio.run(frame.run(row, log, trials, until=units, say=lambda line: None, make=apart.make))
    assert [each.result.problems for each in log.entries if each.result.problems] == []
    assert log.units >= units
