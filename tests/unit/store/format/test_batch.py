"""Many messages at once: sound ones are, whatever their sizes; any change shows."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.store.format.batch import batch_intact, longer_from
from stanlocal.store.format.index import Block
from tests.support.stores import EPOCH, message, record, slice_of

payloads = st.one_of(
    st.lists(st.binary(max_size=60), min_size=1, max_size=20),
    st.builds(lambda size, count: [b"x" * size] * count, st.integers(0, 60), st.integers(1, 20)),
)
FIRSTS = st.sampled_from([1, 100, 200, 16_000, 1 << 40])


def block_of(messages: list[bytes], first: int) -> tuple[Block, bytearray]:
    made = slice_of(messages, first)
    sizes = [
        end - begin - 8 for begin, end in zip(made.offsets, [*made.offsets[1:], len(made.data)], strict=True)
    ]
    sequences = range(first, first + len(messages))
    times = [EPOCH + sequence * 1_000_000 for sequence in sequences]
    block = Block(0, array("Q", sequences), array("Q", made.offsets), array("Q", times), array("I", sizes))
    return block, made.data


@given(payloads, FIRSTS, st.data())
def test_a_batch_is_intact_until_a_byte_of_it_changes(
    messages: list[bytes], first: int, data: st.DataObject
) -> None:
    """Heads, checksums, sequences and contents are compared; the size of each with the index's."""
    block, content = block_of(messages, first)
    assert batch_intact(block, bytearray(content), 0)
    at = data.draw(st.integers(4, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    assert not batch_intact(block, content, 0)


@pytest.mark.parametrize("at", [0, -1])
@pytest.mark.parametrize("time", [0, 1, EPOCH, (1 << 64) - 1])
def test_the_times_of_the_first_and_the_last_message_are_the_index_s(at: int, time: int) -> None:
    block, content = block_of([b"x" * 20] * 5, 1)
    block.timestamps[at] = time
    assert not batch_intact(block, content, 0)


@pytest.mark.parametrize("time", [0, 5, (1 << 64) - 1])
def test_a_time_of_any_length_is_found(time: int) -> None:
    """A message has none where it is 0; one before 1970 is a huge number here and there."""
    payload = message(1, b"x" * 20, time=time)
    times = array("Q", [time])
    block = Block(0, array("Q", [1]), array("Q", [0]), times, array("I", [len(payload)]))
    assert batch_intact(block, bytearray(record(payload)), 0)


@pytest.mark.parametrize(
    ("first", "count", "expected"), [(1, 300, 127), (127, 2, 1), (128, 50, 50), (16_380, 9, 4), (0, 200, 128)]
)
def test_sequences_take_more_bytes_from_a_power_of_128_on(first: int, count: int, expected: int) -> None:
    """A batch is cut there: its messages begin with as many bytes each."""
    sequences = array("Q", range(first, first + count))
    assert longer_from(sequences, 0, count) == expected
    assert longer_from(sequences, 0, expected) == expected
