"""The package as users get it: a wheel built from the source distribution, in a clean environment.

Its dependencies are linked in from the development environment, those that it declares and theirs and no
others: an import of something undeclared fails here, and nothing is downloaded.
"""

import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from email.message import Message
from email.parser import Parser
from importlib.metadata import distribution, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
NAME = "stanlocal"

IMPORT_ALL = f"""
import importlib, pkgutil, {NAME}
IN_PYTEST = ("{NAME}.testing.pytest_plugin", "{NAME}.testing.pytest_options")  # loaded by pytest alone
WITH_EXTRA = ("{NAME}.engine.kubernetes.", "{NAME}.lifecycle.deployed_plan")  # for clusters
for module in pkgutil.walk_packages({NAME}.__path__, "{NAME}."):
    if module.name not in ("{NAME}.__main__", *IN_PYTEST) and not module.name.startswith(WITH_EXTRA):
        importlib.import_module(module.name)
"""


def run(*argv: str | Path, cwd: Path) -> str:
    """Standard output; an assertion with all output when it fails."""
    done = subprocess.run(argv, cwd=cwd, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    hatchling = (sys.executable, "-m", "hatchling", "build", "-d", folder, "-t")
    run(*hatchling, "sdist", cwd=ROOT)
    [sdist] = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    run(*hatchling, "wheel", cwd=folder / sdist.name.removesuffix(".tar.gz"))
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as files:
        [name] = [name for name in files.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(files.read(name).decode())


@pytest.fixture(scope="module")
def bin_dir(wheel: Path, metadata: Message, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment with the wheel and what it declares to need."""
    folder = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", "--without-pip", "env", cwd=folder)
    python = folder / "env" / "bin" / "python"
    uv = Path(sys.executable).with_name("uv")
    run(
        uv,
        "pip",
        "install",
        "-q",
        "--no-cache",
        "--offline",
        "--no-deps",
        "--python",
        python,
        wheel,
        cwd=folder,
    )
    [site_packages] = (folder / "env" / "lib").glob("python*/site-packages")
    for name in closure(metadata.get_all("Requires-Dist", [])):
        link(name, site_packages)
    return python.parent


def closure(requirements: Iterable[str]) -> set[str]:
    """The distributions that meet the requirements, and all that those need in turn."""
    found: set[str] = set()
    waiting = [(Requirement(text), "") for text in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        for wanted in ("", *requirement.extras):
            key = f"{requirement.name}[{wanted}]" if wanted else requirement.name
            if key not in found:
                found.add(key)
                needs = distribution(requirement.name).requires or []
                waiting += [(Requirement(text), wanted) for text in needs]
    return {key for key in found if "[" not in key}


def link(name: str, site_packages: Path) -> None:
    """Makes the distribution's packages and modules importable from `site_packages`."""
    installed = distribution(name)
    tops = {file.parts[0] for file in installed.files or () if file.parts[0] not in ("..", "__pycache__")}
    for top in tops:
        target = site_packages / top
        if not target.exists():  # a namespace package may belong to several
            target.symlink_to(str(installed.locate_file(top)))


def test_every_file_of_the_package_is_in_the_wheel_and_nothing_else_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as files:
        packed = {name for name in files.namelist() if ".dist-info/" not in name}
    present = {
        str(path.relative_to(ROOT))
        for path in (ROOT / NAME).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == present
    assert f"{NAME}/py.typed" in packed
    assert {f"{NAME}/stan/_pb/stan.proto"} <= packed


def test_the_metadata_says_licence_python_and_dependencies(wheel: Path, metadata: Message) -> None:
    with zipfile.ZipFile(wheel) as files:
        [licence] = [name for name in files.namelist() if name.endswith("/LICENSE")]
        assert "Apache License" in files.read(licence).decode()
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    required = [Requirement(text) for text in metadata.get_all("Requires-Dist", [])]
    assert all(requirement.specifier for requirement in required), "each dependency has a lower bound"
    assert {r.name for r in required if not r.marker} >= {"click", "docker", "nats-py"}


@pytest.mark.parametrize("command", [(NAME,), ("python", "-m", NAME)], ids=" ".join)
def test_the_installed_command_runs_and_knows_its_version(
    bin_dir: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    program, *arguments = command
    assert run(bin_dir / program, *arguments, "--version", cwd=tmp_path).split() == [
        "stanlocal,",
        "version",
        version(NAME),
    ]


def test_the_installed_package_is_the_wheels_not_the_source_tree(bin_dir: Path, tmp_path: Path) -> None:
    file = run(bin_dir / "python", "-c", f"import {NAME}; print({NAME}.__file__)", cwd=tmp_path).strip()
    assert Path(file).is_relative_to(bin_dir.parent)


def test_every_module_imports_with_the_declared_dependencies_alone(bin_dir: Path, tmp_path: Path) -> None:
    run(bin_dir / "python", "-W", "error", "-c", IMPORT_ALL, cwd=tmp_path)


def test_help_of_the_installed_command_lists_the_commands(bin_dir: Path, tmp_path: Path) -> None:
    shown = run(bin_dir / NAME, "--help", cwd=tmp_path)
    assert re.search(r"^ +up +Start the group", shown, re.MULTILINE)
