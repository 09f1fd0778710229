"""Variable-length integers, one by one and many at a time."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from stanlocal.store.format.varints import varint_of, varints
from stanlocal.store.format.wire import varint

UNSIGNED = st.integers(0, (1 << 64) - 1)


@given(UNSIGNED)
@example(0)
@example(127)
@example(128)
@example((1 << 64) - 1)
def test_an_encoded_integer_decodes_to_itself(value: int) -> None:
    encoded = varint_of(value)
    assert varint(encoded, 0) == (value, len(encoded))


@given(st.lists(UNSIGNED | st.integers(16_000, 17_000) | st.integers((1 << 28) - 3, (1 << 28) + 3)))
def test_many_are_encoded_as_each_is(values: list[int]) -> None:
    assert varints(values) == [varint_of(value) for value in values]
