"""What docs/testing.md shows is run, type-checked, and held against the schemas of CI services."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.plugin.project import Project
from tests.support.cli import ROOT

_BLOCKS = re.compile(r"^```(python|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SCHEMAS = {".github/workflows/": "vendor.github-workflows", ".gitlab-ci.yml": "vendor.gitlab-ci"}


def _blocks(language: str) -> list[str]:
    text = (ROOT / "docs/testing.md").read_text("utf-8")
    return [code for of, code in _BLOCKS.findall(text) if of == language]


def test_the_tests_it_shows_pass(project: Project) -> None:
    for number, code in enumerate(_blocks("python")):
        if "def test_" in code:
            project.write(f"test_{number}.py", code)
    ran = project.run()
    assert (ran.code, ran.outcomes) == (0, {"passed": 2}), ran.text


@pytest.mark.slow
def test_the_script_it_shows_runs(project: Project) -> None:
    [code] = [code for code in _blocks("python") if "def test_" not in code]
    script = project.write("script.py", code)
    environment = {
        **project.environment(),
        "STANLOCAL_ENGINE": "process",
        "STANLOCAL_GROUP": "script",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        cwd=project.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "'ready': " in done.stdout


def test_what_it_shows_is_well_typed(tmp_path: Path) -> None:
    for number, code in enumerate(_blocks("python")):
        (tmp_path / f"example_{number}.py").write_text(code, "utf-8")
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


@pytest.mark.parametrize(
    "workflow", _blocks("yaml"), ids=lambda text: text.splitlines()[0].removeprefix("# ")
)
def test_ci_files_fit_their_schemas(workflow: str, tmp_path: Path) -> None:
    name = workflow.splitlines()[0].removeprefix("# ")
    schema = next(schema for beginning, schema in _SCHEMAS.items() if name.startswith(beginning))
    file = tmp_path / "ci.yml"
    file.write_text(workflow, "utf-8")
    check = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema)
    done = subprocess.run([*check, file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
