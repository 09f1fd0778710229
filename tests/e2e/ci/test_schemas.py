"""The files for CI services fit the schemas of these, and agree with their scripts."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.cli import ROOT

FILES = {
    "action.yml": "vendor.github-actions",
    "stop/action.yml": "vendor.github-actions",
    "ci/gitlab.yml": "vendor.gitlab-ci",
}


def loaded(name: str) -> Any:
    """Return the document of a file of this repository."""
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


@pytest.mark.parametrize(("name", "schema"), FILES.items())
def test_file_fits_its_schema(name: str, schema: str) -> None:
    check = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema)
    done = subprocess.run([*check, ROOT / name], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "script"), [("action.yml", "github-start"), ("stop/action.yml", "github-stop")]
)
def test_every_input_reaches_the_script_and_every_output_comes_from_it(name: str, script: str) -> None:
    action, text = loaded(name), (ROOT / "ci" / script).read_text("utf-8")
    step = action["runs"]["steps"][0]
    folder = (ROOT / name).parent
    (path,) = re.findall(r'"\$GITHUB_ACTION_PATH/(.+)"', step["run"])
    assert (folder / path).resolve() == ROOT / "ci" / script
    given = step.get("env", {})
    assert set(re.findall(r"\bINPUT_[A-Z]+", text)) == set(given)
    named = {f"INPUT_{each.upper()}" for each in action.get("inputs", {}) if each != "artifact"}
    assert named == set(given)
    for output in action.get("outputs", {}):
        assert f'echo "{output}=' in text


@pytest.mark.parametrize("script", ["github-start", "github-stop"])
def test_shell_script_is_sound(script: str) -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([shellcheck, ROOT / "ci" / script], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
