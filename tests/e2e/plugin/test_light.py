"""What the plugin costs those who do not use it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.plugin.project import Project

_LOAD = """
import sys, time
import pytest
before = set(sys.modules)
start = time.process_time()
import stanlocal.testing.pytest_plugin
took = time.process_time() - start
assert took < 0.010, f"{took * 1000:.1f} ms"
new = {name for name in set(sys.modules) - before if not name.startswith("_")}
ours = {"stanlocal", "stanlocal.testing", "stanlocal.testing.pytest_plugin"}
ours |= {"stanlocal.testing.pytest_options", "stanlocal.testing.unawaited"}
assert new <= {*ours, "secrets", "hashlib", "hmac", "base64", "random"}, new
"""


def test_it_loads_in_under_10_ms_and_brings_nothing_along(tmp_path: Path) -> None:
    others = ("PYTHONDONTWRITEBYTECODE", "COVERAGE_")  # each would make it slower
    compiled = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    compiled["PYTHONPYCACHEPREFIX"] = str(tmp_path)
    subprocess.run([sys.executable, "-c", _LOAD], env=compiled)  # compiles it
    subprocess.run([sys.executable, "-c", _LOAD], env=compiled, check=True)


def test_tests_that_ask_for_no_group_load_nothing(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import sys

        def test_nothing_is_loaded():
            assert not {"asyncio", "docker", "nats", "stanlocal.api"} & set(sys.modules)
        """,
    )
    project.write("pytest.ini", "[pytest]\n")
    project.env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # other plugins load what they want
    ran = project.run("-p", "stanlocal.testing.pytest_plugin")
    assert (ran.code, ran.outcomes) == (0, {"passed": 1}), ran.text


def test_without_the_plugin_its_fixtures_and_options_are_gone(project: Project) -> None:
    project.write("test_it.py", "def test_it(stan_group): pass")
    ran = project.run("-p", "no:stanlocal")
    assert "fixture 'stan_group' not found" in ran.text
    assert project.run("-p", "no:stanlocal", "--stan-keep").code == 4


def test_its_options_and_marker_are_documented(project: Project) -> None:
    listed = project.run("--help").text
    for option in ("engine", "image", "shared", "keep", "reuse", "unavailable"):
        assert f"--stan-{option}" in listed
    assert "@pytest.mark.stan(nodes=2, ...)" in project.run("--markers").text
    assert "stan_group [session scope]" in project.run("--fixtures").text


def test_strict_projects_need_no_registration(project: Project, tmp_path: Path) -> None:
    project.write("test_it.py", "import pytest\n@pytest.mark.stan(nodes=3)\ndef test_it(): pass")
    ran = project.run("--strict-markers", "--strict-config")
    assert (ran.code, ran.outcomes) == (0, {"passed": 1}), ran.text
