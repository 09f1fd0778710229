"""The tree, the import contracts and ARCHITECTURE.md agree."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "stanlocal"
MOST_LINES = 350
MOST_ROOT_FILES = 8


def contracts() -> list[dict[str, Any]]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        found: list[dict[str, Any]] = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    return found


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name; generated code left out."""
    paths = [path for path in PACKAGE.rglob("*.py") if "_pb" not in path.parts]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in paths}


def says_pure(path: Path) -> bool:
    """Return whether a sentence of the module's docstring begins with the word "Pure"."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return re.search(r"(^|[.:]\s+)Pure\b", docstring) is not None


def test_the_document_shows_the_layers_of_the_contract() -> None:
    subprocess.run([sys.executable, str(ROOT / "scripts" / "architecture"), "--check"], check=True)


def test_the_root_of_the_package_holds_few_files() -> None:
    assert len([*PACKAGE.glob("*.py")]) <= MOST_ROOT_FILES


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    lengths = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in modules().items()}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_every_module_that_says_it_is_pure_is_held_to_it() -> None:
    (contract,) = (each for each in contracts() if each["name"].startswith("the pure core"))
    sources = contract["source_modules"]

    def covered(module: str) -> bool:
        return any(fnmatch(module, source) or module.startswith(f"{source}.") for source in sources)

    promised = {name.removesuffix(".__init__") for name, path in modules().items() if says_pure(path)}
    missing = sorted(name for name in promised if not covered(name))
    assert not missing, f"add to the pure contract's source_modules in pyproject.toml: {missing}"
