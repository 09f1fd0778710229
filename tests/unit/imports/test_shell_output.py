"""The output of commands with which scripts write files."""

from __future__ import annotations

import pytest

from stanlocal.imports.shell_output import output


@pytest.mark.parametrize(
    ("escaped", "expected"),
    [(r"\101", "A"), (r"\0101", "A"), (r"\x41", "A"), (r"\t", "\t"), (r"\8", r"\8"), ("\\²", "\\²")],
)
def test_escapes_are_those_of_a_shell_and_others_stay(escaped: str, expected: str) -> None:
    assert output(["printf", escaped], None, {}, lambda path: None) == expected
    assert output(["echo", "-ne", escaped], None, {}, lambda path: None) == expected
