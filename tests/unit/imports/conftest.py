"""The fixture that writes files to import."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.imports.reading import Write


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file of a name and content."""

    def put(name: str, content: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    return put
