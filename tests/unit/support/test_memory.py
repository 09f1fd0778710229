"""The measurement of memory finds what code takes, however much the tests' own process has taken."""

from __future__ import annotations

from tests.support.memory import peak_above_start, too_large

_TAKES = """
start()
taken = bytearray(80 << 20)
mark("taking")
"""


def test_what_code_takes_is_found_below_a_larger_process() -> None:
    own = bytearray(200 << 20)
    assert too_large(_TAKES, 64 << 20) == ["taking: 80 MB"]
    assert peak_above_start(_TAKES) > 64 << 20
    assert own
