"""Messages described by their numbers."""

from __future__ import annotations

import pytest

from stanlocal.faults.expire_lock import numbered


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        (7, 7, "message 7"),
        (7, 8, "messages 7 and 8"),
        (1, 10, "messages 1, 2, 3, 4, 5, 6, 7, 8, 9 and 10"),
        (1, 11, "messages 1 to 11 (11 of them)"),
    ],
)
def test_few_messages_are_named_one_by_one_and_many_as_a_range(first: int, last: int, told: str) -> None:
    assert numbered(first, last) == told
