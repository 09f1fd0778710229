"""What a version of the server loses, as a plan says it."""

from __future__ import annotations

import pytest

from stanlocal.errors import SettingsError
from stanlocal.migrate.server_versions import parse_version, version_findings


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("2.15", []),
        ("v2.15.2", []),
        ("3.0", []),
        ("2.12.15", [False]),
        ("2.10.0", [False]),
        ("2.9.25", [True]),
    ],
)
def test_a_version_has_the_findings_of_what_it_can_do(text: str, refused: list[bool]) -> None:
    found = version_findings(parse_version(text))
    assert [each.refused for each in found] == refused
    assert all(each.advice for each in found)


@pytest.mark.parametrize("text", ["", "2", "latest", "2.15.2-RC.1", "2.15.2.1", "1" * 50])
def test_anything_else_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(SettingsError, match="give one like"):
        parse_version(text)
