"""Findings of a checker in ledgers that are built event by event."""

from __future__ import annotations

from stanlocal.drill.analysis.findings import LISTED, Second
from stanlocal.drill.ledger.entries import REDELIVERED, Kind
from stanlocal.drill.scenario.spec import LoadSpec
from tests.unit.drill.story import Event, Story

PLAIN, DURABLE, AUDIT = 0, 1, 2


def test_a_late_redelivery_is_not_out_of_order() -> None:
    """The server's repetitions come when they can: only first tries must be in order."""
    story = Story().publish(0, 1, 2).deliver(PLAIN, 0, 2, 2)
    assert story.deliver(PLAIN, 0, 1, 1, REDELIVERED).findings().reordered == 0
    assert story.deliver(DURABLE, 0, 2, 2).deliver(DURABLE, 0, 1, 1).findings().reordered == 1


def test_a_repetition_in_the_middle_of_an_outage_is_explained() -> None:
    """A new active repeats what it must before the first ack tells that it is there."""
    story = Story().publish(0, 1).deliver(PLAIN, 0, 1, 1).later(200).deliver(PLAIN, 0, 1, 1)
    findings = story.findings()
    assert (findings.repeated, findings.unflagged) == (1, 0)


def test_a_repetition_after_an_outage_is_explained() -> None:
    """Whatever ended the acks for so long can have cost acknowledgements of deliveries."""
    story = Story().publish(0, 1, 2).deliver(PLAIN, 0, 1, 1).later(200).ack(0, 1, 2)
    findings = story.deliver(PLAIN, 0, 1, 1).findings()
    assert (findings.repeated, findings.unflagged) == (1, 0)


def test_the_audit_repeats_nothing() -> None:
    """The audit reads everything again: that is neither a delivery nor a repetition."""
    story = Story().publish(0, 1).deliver(PLAIN, 0, 1, 1).deliver(DURABLE, 0, 1, 1).ack(0, 1)
    findings = story.note("drained").deliver(AUDIT, 0, 1, 1).note("audit").findings()
    assert (findings.delivered, findings.duplicated) == (2, 0)


def test_without_an_audit_the_store_is_not_judged() -> None:
    """The contents of channels are unknown if they could not be read at the end."""
    story = Story().publish(0, 1).deliver(PLAIN, 0, 1, 1).deliver(DURABLE, 0, 1, 1).ack(0, 1)
    assert story.note("drained").findings().lost == 0


def test_members_of_a_queue_group_are_one_audience() -> None:
    """Any member may have a message, and two of them having it is a repetition."""
    story = Story(LoadSpec(plain=0, durable=0, queue=2)).publish(0, 1, 2)
    story.deliver(0, 0, 1, 1).deliver(1, 0, 2, 2).ack(0, 1, 2).note("drained")
    assert story.findings().lost == 0
    assert story.deliver(1, 0, 1, 1, REDELIVERED).findings().redelivered == 1


def test_lost_to_one_and_on_its_way_to_another_is_lost() -> None:
    """A message of a killed drill's ledger is counted once, as the worse of its outcomes."""
    story = Story().publish(0, 1).ack(0, 1).later(60_000)
    findings = story.publish(0, 2).deliver(PLAIN, 0, 2, 2).findings()
    assert (findings.lost, findings.pending) == (1, 0)


def test_losses_of_different_kinds_are_different_runs() -> None:
    """Consecutive numbers are reported together only where the same audiences lack them."""
    story = (
        Story()
        .publish(0, 1, 2, 3)
        .deliver(PLAIN, 0, 1, 1)
        .deliver(DURABLE, 0, 2, 2)
        .deliver(DURABLE, 0, 3, 3)
    )
    lost = story.ack(0, 1, 2, 3).note("drained").findings().lost_messages
    assert [(each.first, each.last, each.missing_at) for each in lost] == [
        (1, 1, ("durable-0",)),
        (2, 3, ("plain-0",)),
    ]


def test_lost_messages_are_reported_with_the_times_of_their_acks() -> None:
    """The time reaches from the first ack to the last one of a run."""
    story = Story().publish(0, 1, 2).ack(0, 2).later(500).ack(0, 1).note("drained")
    (lost,) = story.findings().lost_messages
    assert lost.acked_from is not None
    assert lost.acked_to is not None
    assert (lost.acked_to - lost.acked_from).total_seconds() == 0.501


def test_all_are_counted_and_some_are_listed() -> None:
    """A ledger full of losses has a list that ends, and a count that does not."""
    numbers = range(1, 2 * LISTED + 21)
    story = Story(LoadSpec(durable=0)).publish(0, *numbers).ack(0, *numbers)
    for number in numbers[::2]:
        story.deliver(PLAIN, 0, number, number)
    findings = story.note("drained").findings()
    assert (findings.lost, len(findings.lost_messages)) == (LISTED + 10, LISTED)
    assert (findings.gaps, len(findings.gap_sequences)) == (LISTED + 9, LISTED)


def test_a_strange_message_fills_its_sequence() -> None:
    """A message that was delivered damaged did reach its audience: no gap."""
    story = Story().publish(0, 1, 2).deliver(PLAIN, 0, 1, 1).deliver(PLAIN, 0, 2, 3)
    assert story.findings().gaps == 1
    assert story.tell(Event(Kind.STRANGE, 0, 0, PLAIN, 2)).findings().gaps == 0


def test_rates() -> None:
    """Rates count what came in each second of the drill; empty seconds are left out."""
    story = Story().publish(0, 1, 2, 3).ack(0, 1).later(990).ack(0, 2).later(3000).ack(0, 3)
    story.deliver(PLAIN, 0, 1, 1)
    assert story.findings().rates == (Second(0, 2, 0), Second(3, 1, 1))


def test_refusals_alone_are_no_silence_without_end() -> None:
    """An outage ends with the last refusal where no message waits any more."""
    story = Story().publish(0, 1).later(300).refuse(0, 1).later(5000).note("drained")
    (outage,) = (each for each in story.findings().outages if each.publisher is None)
    assert (outage.ms, outage.first_ack) == (301.0, None)
