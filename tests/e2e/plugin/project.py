"""A user's project: a folder with tests, and pytest run over it in a fresh interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from xml.etree import ElementTree

from tests.support.ports import of_the_module

INI = """
[pytest]
filterwarnings = error
asyncio_mode = {asyncio_mode}
asyncio_default_fixture_loop_scope = function
"""
_OF_OURS = ("PYTEST_", "COVERAGE_", "STANLOCAL_")
"""The beginnings of variables that the run these tests are part of has set."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a run."""

    code: int
    text: str
    """What people see."""
    outcomes: dict[str, int]
    """How many tests `passed`, `failed`, had an `error`, were `skipped`."""


@dataclass(frozen=True, slots=True)
class Project:
    """Its own folder, state folder and environment."""

    folder: Path
    state_home: Path
    env: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), "utf-8")
        return path

    def command(self, *arguments: str) -> list[str]:
        report = f"--junitxml={self.folder / 'report.xml'}"
        return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", report, *arguments]

    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OF_OURS)}
        return {**inherited, **of_the_module(), "XDG_STATE_HOME": str(self.state_home), **self.env}

    def run(self, *arguments: str, timeout: float = 100) -> Ran:
        """Pytest, with the process engine unless the arguments name one."""
        if not any(each.startswith(("--stan-engine", "-p")) for each in arguments):
            arguments = ("--stan-engine=process", *arguments)
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )
        return Ran(done.returncode, done.stdout, self.outcomes())

    @contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Pytest while it runs, leading a process group of its own; what is left of it is killed."""
        with subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def outcomes(self) -> dict[str, int]:
        report = self.folder / "report.xml"
        if not report.exists():
            return {}
        cases = ElementTree.parse(report).iter("testcase")
        names = {"failure": "failed", "error": "error", "skipped": "skipped"}
        found = Counter(
            next((names[each.tag] for each in case if each.tag in names), "passed") for case in cases
        )
        report.unlink()
        return dict(found)

    @property
    def groups(self) -> list[str]:
        """The groups that the state folder knows."""
        folder = self.state_home / "stanlocal"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []
