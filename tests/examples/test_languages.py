"""The examples in each language, with the peers' own clients, while the active node is killed repeatedly."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import unavailable
from tests.support.cli import ROOT, Cli

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.timeout(900)]

EXAMPLES = ROOT / "examples"
FAULTS = ("--fault", "kill:@active", "--every", "3s")
_PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", ".")


@dataclass(frozen=True, slots=True)
class Language:
    folder: str
    test: Sequence[str]
    naive: Sequence[str]
    fails_with: str
    """Pattern of what the naive twin reports."""
    prepare: Sequence[str] = ()


LANGUAGES = [
    Language(
        "go",
        ("go", "test", "-count=1", "./..."),
        ("go", "test", "-count=1", "-tags", "naive", "./naive"),
        r"order \d+: (stan|nats): ",
        ("go", "vet", "-tags", "naive", "./..."),
    ),
    Language(
        "node",
        ("npm", "test"),
        ("npm", "run", "naive"),
        r"order \d+: stan: (publish ack timeout|Connection closed)",
        ("npm", "ci"),
    ),
    Language(
        "java",
        ("mvn", "-B", "-q", "-ntp", "test"),
        ("mvn", "-B", "-q", "-ntp", "test", "-Dtest=NaiveOrders"),
        r"NaiveOrders.*(Timeout|timeout|Cancellation|IllegalState)",
        ("mvn", "-B", "-q", "-ntp", "test-compile"),
    ),
    Language(
        "python",
        (*_PYTEST, "test_orders.py"),
        (*_PYTEST, "naive_orders.py"),
        r"stanlocal\.stan\.errors\.\w+",
    ),
]


@pytest.fixture(params=LANGUAGES, ids=lambda each: each.folder)
def language(request: pytest.FixtureRequest) -> Language:
    found: Language = request.param
    if shutil.which(found.test[0]) is None:
        unavailable(f"no {found.test[0]}, which the example needs")
    return found


@pytest.fixture
def cli(language: Language, tmp_path: Path, server_binary: Path) -> Cli:
    """The command line in a copy of the example, with what the example needs."""
    folder = tmp_path / language.folder
    left_out = shutil.ignore_patterns("node_modules", "target", "__pycache__")
    shutil.copytree(EXAMPLES / language.folder, folder, ignore=left_out)
    env = {
        "STANLOCAL_ENGINE": "process",
        "STANLOCAL_SERVER_BINARY": str(server_binary),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    if language.prepare:
        prepared = subprocess.run(language.prepare, cwd=folder, capture_output=True, text=True, timeout=600)
        assert prepared.returncode == 0, prepared.stdout + prepared.stderr
    return Cli(folder, env)


def test_the_example_loses_nothing_and_its_naive_twin_says_why_it_fails(cli: Cli, language: Language) -> None:
    done = cli.run("run", *FAULTS, "--", *language.test)
    assert done.returncode == 0, done.stdout + done.stderr
    paragraph = done.stderr.splitlines()[-1]
    failovers = re.search(r"; (\d+) failovers after", paragraph)
    assert failovers is not None, paragraph
    assert int(failovers[1]) >= 2, paragraph
    naive = cli.run("run", *FAULTS, "--", *language.naive)
    assert naive.returncode not in (0, 5), naive.stdout
    assert re.search(language.fails_with, naive.stdout, re.DOTALL), naive.stdout
    assert "timeline" in naive.stderr
    assert "(kill)" in naive.stderr or " kill)" in naive.stderr
