"""YAML with comments: what is written is read back."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.export.yamltext import Noted, document, documents, scalar

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_SCALARS = st.none() | st.booleans() | st.integers(-(2**62), 2**62) | _TEXT
_STRANGE = (
    "yes|No|on|null|~|1e3|0x1f|1:30|-a|a: b|a #b|| |- a|&a|*a|!a|%a|@a|`a|'|\"|2020-01-01|.5|.inf|=|<<|a:|"
    "\u2028|\x85|\ufeff|a\n|\n|a\n b\n| a\nb\n|a\n\nb\n|a\tb\n"
)
_WORDS = st.sampled_from(_STRANGE.split("|"))
_TREES = st.dictionaries(
    _TEXT,
    st.recursive(
        _SCALARS | _WORDS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT | _WORDS, inner, max_size=4),
        max_leaves=15,
    ),
    max_size=5,
)


@given(_TREES)
def test_any_tree_is_read_back_as_it_was(tree: dict[str, Any]) -> None:
    assert (yaml.safe_load(document(tree)) or {}) == tree


@given(_TREES, _TEXT)
def test_comments_change_nothing(tree: dict[str, Any], comment: str) -> None:
    noted = {name: Noted(value, comment) for name, value in tree.items()}
    assert (yaml.safe_load(document(noted, comment)) or {}) == tree


@pytest.mark.parametrize(
    "text", ["stan-0", "/etc/x", "nats://nats:4222", "$(POD_NAME).stan", "apps/v1", "512-a"[4:]]
)
def test_ordinary_words_are_written_plainly(text: str) -> None:
    assert scalar(text) == text


@pytest.mark.parametrize("text", ["yes", "NO", "1", "30s", "1e3", "a: b", "", "-sc", "2026-01-01", "null"])
def test_ambiguous_text_is_quoted(text: str) -> None:
    assert scalar(text) == f'"{text}"'


def test_a_text_of_several_lines_is_a_literal_block() -> None:
    assert document({"a": {"conf": "x {\n\n  y: 1\n}\n"}}) == "a:\n  conf: |\n    x {\n\n      y: 1\n    }\n"


def test_long_comments_are_wrapped_above_what_they_are_about() -> None:
    text = document({"a": [Noted({"b": Noted(1, "about b")}, "word " * 30)]})
    assert all(len(line) <= 100 for line in text.splitlines())
    assert text.startswith("a:\n  # word word")
    assert text.endswith("  # about b\n  - b: 1\n")


def test_documents_are_separated() -> None:
    assert list(yaml.safe_load_all(documents(({"a": 1}, "one"), ({"b": 2}, "two")))) == [{"a": 1}, {"b": 2}]
