"""What README.md and docs/testing.md show runs and fits the schemas of CI; all Python is well typed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.plugin.project import Project
from tests.support.cli import ROOT
from tests.support.pages import Block, blocks

_BLOCKS = re.compile(r"^```(python|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SCHEMAS = {".github/workflows/": "vendor.github-workflows", ".gitlab-ci.yml": "vendor.gitlab-ci"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A block of code, and where it stands."""

    page: str
    code: str

    def __str__(self) -> str:
        return f"{self.page}: {self.code.splitlines()[0]}"

    @property
    def is_test(self) -> bool:
        return "def test_" in self.code


def _shown(language: str) -> list[Shown]:
    pages = ("README.md", "docs/testing.md")
    texts = ((page, (ROOT / page).read_text("utf-8")) for page in pages)
    return [Shown(page, code) for page, text in texts for of, code in _BLOCKS.findall(text) if of == language]


_PYTHON, _YAML = _shown("python"), _shown("yaml")


def _is_whole(block: Block) -> bool:
    """Return whether it is a module, and not a piece of a coroutine."""
    try:
        compile(block.code, block.page, "exec")
    except SyntaxError:
        return False
    return True


def test_the_tests_they_show_pass(project: Project) -> None:
    tests = [shown.code for shown in _PYTHON if shown.is_test]
    for number, code in enumerate(tests):
        project.write(f"test_{number}.py", code)
    ran = project.run()
    assert (ran.code, ran.outcomes) == (0, {"passed": len(tests)}), ran.text


@pytest.mark.parametrize("shown", [shown for shown in _PYTHON if not shown.is_test], ids=str)
def test_the_scripts_they_show_run_beside_the_default_group_and_leave_nothing(
    project: Project, shown: Shown
) -> None:
    script = project.write("script.py", shown.code)
    environment = {
        **project.environment(),
        "STANLOCAL_ENGINE": "process",
        "PYTHONPATH": str(ROOT),
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", *arguments],
            cwd=project.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def document() -> Any:
        return json.loads(run("-m", "stanlocal", "status", "--json").stdout)["nodes"]

    assert run("-m", "stanlocal", "up").returncode == 0
    before = document()
    done = run(str(script))
    assert done.returncode == 0, done.stderr
    assert (document(), project.groups) == (before, ["stan"])
    assert run("-m", "stanlocal", "down", "--purge", "--yes").returncode == 0


def test_modules_on_all_pages_are_well_typed(tmp_path: Path) -> None:
    for number, shown in enumerate(filter(_is_whole, blocks("python"))):
        (tmp_path / f"example_{number}.py").write_text(shown.code, "utf-8")
    mypy = (
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--no-error-summary",
        "--cache-dir",
        str(ROOT / ".mypy_cache"),
    )
    checked = subprocess.run([*mypy, tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("shown", _YAML, ids=str)
def test_ci_files_fit_their_schemas(shown: Shown, tmp_path: Path) -> None:
    name = shown.code.splitlines()[0].removeprefix("# ")
    schema = next(schema for beginning, schema in _SCHEMAS.items() if name.startswith(beginning))
    file = tmp_path / "ci.yml"
    file.write_text(shown.code, "utf-8")
    check = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema)
    done = subprocess.run([*check, file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_both_pages_show_both_ci_services() -> None:
    for page in ("README.md", "docs/testing.md"):
        shown = " ".join(each.code.splitlines()[0] for each in _YAML if each.page == page)
        assert all(name in shown for name in _SCHEMAS), page
