"""Scripts of scripts/ as modules, to be tested without a process for each."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

_SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def load_script(name: str) -> ModuleType:
    """Load scripts/`name` as a module, and leave no bytecode beside it."""
    loader = SourceFileLoader(f"{name}_script", str(_SCRIPTS / name))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[loader.name] = module  # dataclasses look there
    with patch.object(sys, "dont_write_bytecode", True):
        loader.exec_module(module)
    return module
