"""The pages of results are all made by one module."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.bench.page import RESULTS, page

_PAGE = re.compile(
    r"# (?P<title>.*)\n\n"
    r"Made by `python -m tests\.bench\.(?P<bench>[\w.]+)` on (?P<date>[\d-]+)(: (?P<how>(.+\n)+?)|\.\n)\n"
    r"Machine: (?P<machine>.*)\.\n\n"
    r"(?P<table>(\|.*\n)+)"
)


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.md")), ids=lambda path: path.stem)
def test_a_page_that_was_published_is_what_its_parts_make(path: Path) -> None:
    text = path.read_text()
    found = _PAGE.fullmatch(text)
    assert found is not None
    columns, _, *rows = [row[2:-2].split(" | ") for row in found["table"].splitlines()]
    made = page(
        found["title"],
        bench=found["bench"],
        how=(found["how"] or "").removesuffix("\n"),
        machine=found["machine"],
        columns=columns,
        rows=rows,
    )
    assert made == text.replace(found["date"], f"{datetime.now(UTC):%Y-%m-%d}", 1)
