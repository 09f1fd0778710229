"""The pages of the documentation, and the blocks of code in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code, and the page that it is on."""

    page: str
    language: str
    code: str

    def __str__(self) -> str:
        return f"{self.page}: {next(iter(self.code.splitlines()), '')[:60]}"


def pages() -> list[str]:
    """Every page that users read, by its path in the repository."""
    docs = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
    return ["README.md", "examples/README.md", *docs]


def text(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def blocks(*languages: str) -> Iterator[Block]:
    """All blocks in these languages; `` is one without a language."""
    for page in pages():
        for language, code in _FENCE.findall(text(page)):
            if language in languages:
                yield Block(page, language, code)


def inline(page: str) -> Iterator[str]:
    """Code within the sentences of a page, on one line each."""
    for found in _INLINE.findall(_FENCE.sub("", text(page))):
        yield " ".join(found.split())
