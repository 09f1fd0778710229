"""The cost of importing the package, and the freshness of its generated code."""

from __future__ import annotations

import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

from stanlocal import stan

ROOT = Path(__file__).parents[3]


def test_generated_code_is_what_the_proto_generates() -> None:
    """`scripts/protoc --check` finds nothing to do."""
    checked = subprocess.run(
        [sys.executable, ROOT / "scripts" / "protoc", "--check"], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("module", ["stanlocal.stan", "stanlocal.stan.errors", "stanlocal.stan.start"])
def test_import_is_light(module: str) -> None:
    """The package, its errors and its start positions load neither nats-py nor protobuf."""
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"nats", "google", "docker", "textual"} & set(loaded)


def test_client_does_not_load_nats_before_it_connects() -> None:
    """nats-py is loaded by the first connection, not by the import of `connect`."""
    code = "import sys; from stanlocal.stan import connect; print('nats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_every_public_name_is_there() -> None:
    """Each name in `__all__` can be had from a fresh import, and an unknown one is an `AttributeError`."""
    code = "from stanlocal import stan; [getattr(stan, name) for name in sorted(stan.__all__, reverse=True)]"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = stan.nothing


def test_modules_depend_on_each_other_without_a_circle() -> None:
    """Imports for type checkers count, too: otherwise the error names the circle."""
    graph = grimp.build_graph("stanlocal")
    modules = {name for name in graph.modules if name.startswith("stanlocal.stan.")}
    imports = {name: graph.find_modules_directly_imported_by(name) & modules for name in modules}
    assert len(list(TopologicalSorter(imports).static_order())) == len(modules)


def test_files_stay_short() -> None:
    """A module of the client has at most 350 lines."""
    folder = Path(stan.__file__).parent
    lengths = {path.name: len(path.read_text().splitlines()) for path in folder.glob("*.py")}
    assert {name: length for name, length in lengths.items() if length > 350} == {}
