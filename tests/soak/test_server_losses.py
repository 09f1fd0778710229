"""Losses that the server's way of writing explains are distinguished from all others."""

from __future__ import annotations

from stanlocal.drill.scenario.spec import LoadSpec
from tests.soak.server_losses import Explanation, explain
from tests.unit.drill.story import Story

_READER, _AUDIT = 0, 1
_BEFORE = 3
"""Messages that are stored, delivered and acknowledged before the kill."""


def begun() -> Story:
    """A load of one publisher and one subscriber."""
    story = Story(LoadSpec(publishers=1, plain=1, durable=0))
    for number in range(1, _BEFORE + 1):
        story.publish(0, number).deliver(_READER, 0, number, number).ack(0, number)
    return story


def killed(story: Story) -> Story:
    return story.later(500).note("fault", id="f1", name="kill", targets=["g-0"]).later(1500)


def ended(story: Story, *audited: tuple[int, int], stored_twice: int | None = None) -> Explanation:
    """Everything is read again at the end: these messages and sequences, behind those before the kill."""
    story.note("drained", missing=0)
    for number, sequence in (*((each, each) for each in range(1, _BEFORE + 1)), *audited):
        story.deliver(_AUDIT, 0, number, sequence)
    story.note("audit", messages=_BEFORE + len(audited))
    twice = {} if stored_twice is None else {"orders": stored_twice}
    return explain(story.findings(), story.reading(), twice)


def test_a_message_behind_a_record_that_no_index_knows_is_lost_by_the_server() -> None:
    """Number 4 was written and not indexed when the server was killed; number 5 got its sequence."""
    story = killed(begun().publish(0, 4)).publish(0, 5).deliver(_READER, 0, 5, 4).ack(0, 5)
    found = ended(story, (4, 4))
    assert (found.lost, found.unexplained) == (0, [])
    assert "1 acknowledged: orders publisher 0 number 5" in found.explained[0]
    assert "around the kill at 2026-11-23T12:00:00" in found.explained[0]


def test_a_message_behind_one_that_is_stored_twice_is_lost_by_the_server() -> None:
    """Number 4 was written and not indexed when the server was killed; its publisher sent it again."""
    story = killed(begun().publish(0, 4)).deliver(_READER, 0, 4, 4).ack(0, 4)
    story.publish(0, 5).deliver(_READER, 0, 5, 5).ack(0, 5)
    found = ended(story, (4, 4), (4, 4), stored_twice=4)
    assert (found.lost, found.unexplained) == (0, [])
    assert "1 acknowledged: orders publisher 0 number 5" in found.explained[0]


def test_a_loss_before_the_one_that_is_stored_twice_is_not_explained() -> None:
    story = killed(begun()).publish(0, 4).deliver(_READER, 0, 4, 4).ack(0, 4)
    story.publish(0, 5).deliver(_READER, 0, 5, 5).ack(0, 5)
    assert ended(story, (5, 5), (5, 5), stored_twice=5).lost == 1


def test_a_loss_without_a_repeated_sequence_is_not_explained() -> None:
    story = killed(begun()).publish(0, 4).deliver(_READER, 0, 4, 4).ack(0, 4)
    found = ended(story)
    assert found.lost == 1
    assert found.explained == []
    assert found.unexplained == ["1 acknowledged and missing at audit: orders publisher 0 number 4"]


def test_a_loss_before_the_repeated_sequence_is_not_explained() -> None:
    story = begun().publish(0, 4).ack(0, 4)
    killed(story.publish(0, 5)).publish(0, 6).deliver(_READER, 0, 6, 4).ack(0, 6)
    found = ended(story, (5, 4))
    assert found.lost == 1
    assert any("publisher 0 number 4" in each for each in found.unexplained)


def test_a_sequence_that_is_given_twice_without_a_kill_is_not_explained() -> None:
    story = begun().publish(0, 4, 5).deliver(_READER, 0, 5, 4).ack(0, 5)
    found = ended(story, (4, 4))
    assert found.lost == 1
    assert "given twice: orders sequence 4" in found.unexplained


def test_a_sequence_that_is_given_twice_long_after_a_kill_is_not_explained() -> None:
    story = killed(begun())
    for number in range(4, 104):
        story.publish(0, number).deliver(_READER, 0, number, number).ack(0, number)
    story.publish(0, 104, 105).deliver(_READER, 0, 105, 104).ack(0, 105)
    found = ended(story, *((each, each) for each in range(4, 104)), (104, 104))
    assert found.lost == 1
    assert found.explained == []
