"""The checker finds each fault that is planted in a clean ledger, and nothing else."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stanlocal.drill.analysis.findings import Findings
from stanlocal.drill.ledger.entries import REDELIVERED, Kind
from tests.unit.drill.story import Event, Later, Story, Told, clean_stories

FAULTS = (
    "lost", "undelivered", "pending", "unknown", "refused", "repeated", "unflagged", "stored_twice",
    "reordered", "unexpected", "wrong", "gaps", "forked",
)  # fmt: skip


def faults(findings: Findings) -> dict[str, Any]:
    """Return the findings that are not zero."""
    return {name: value for name in FAULTS if (value := getattr(findings, name))}


def first_deliveries(story: Story) -> list[int]:
    """Return the places where messages reach an audience, other than the audit, for the first time."""
    readers = story.load.roster().readers
    seen: set[tuple[int, tuple[int, int]]] = set()
    found = []
    for place in story.events(Kind.DELIVERED):
        event = story.event(place)
        reader = readers[event.reader]
        if reader.kind != "audit" and (reader.audience, event.message) not in seen:
            seen.add((reader.audience, event.message))
            found.append(place)
    return found


def deliveries_of(story: Story, message: tuple[int, int], audience: int | None = None) -> list[int]:
    """Return the places where that message is delivered, to that audience or to any."""
    readers = story.load.roster().readers
    return [
        place
        for place in story.events(Kind.DELIVERED)
        if story.event(place).message == message
        and audience in (None, readers[story.event(place).reader].audience)
    ]


@given(clean_stories())
def test_clean(story: Story) -> None:
    """A faultless server causes no findings but its redeliveries."""
    findings = story.findings()
    flagged = [place for place in story.events(Kind.DELIVERED) if story.event(place).flags]
    assert faults(findings) == {}
    assert findings.redelivered == len(flagged)
    assert findings.acked == findings.published == len(story.events(Kind.PUBLISHED))
    assert findings.drained
    assert findings.torn is None


@given(clean_stories(), st.data())
def test_lost_to_one(story: Story, data: st.DataObject) -> None:
    """A message that one audience never had is lost, by its number, with who had it."""
    event = story.event(data.draw(st.sampled_from(first_deliveries(story))))
    roster = story.load.roster()
    audience = roster.readers[event.reader].audience
    findings = story.without(*deliveries_of(story, event.message, audience)).findings()
    assert faults(findings) == {"lost": 1}
    (lost,) = findings.lost_messages
    assert (lost.publisher, lost.first, lost.last) == (*event.message, event.number)
    assert lost.missing_at == (roster.audiences[audience].name,)
    assert lost.had_by == tuple(each.name for each in roster.audiences if each.name not in lost.missing_at)


@given(clean_stories(least=3), st.data())
def test_lost_to_all(story: Story, data: st.DataObject) -> None:
    """A message that no one had is lost and undelivered; its sequence is a gap if it lies between others."""
    event = story.event(data.draw(st.sampled_from(first_deliveries(story))))
    channel = story.load.roster().publishers[event.publisher]
    findings = story.without(*deliveries_of(story, event.message)).findings()
    last = sum(
        story.load.roster().publishers[story.event(place).publisher] == channel
        for place in story.events(Kind.PUBLISHED)
    )
    between = 1 < event.sequence < last
    assert faults(findings) == {"lost": 1, "undelivered": 1} | ({"gaps": 1} if between else {})
    assert findings.lost_messages[0].had_by == ()


@given(clean_stories(), st.data())
def test_vanished_from_the_store(story: Story, data: st.DataObject) -> None:
    """A message that all had, and that the store no longer has, is lost: others will never get it."""
    event = story.event(data.draw(st.sampled_from(first_deliveries(story))))
    audit = len(story.load.roster().audiences) - 1
    findings = story.without(*deliveries_of(story, event.message, audit)).findings()
    assert faults(findings) == {"lost": 1}
    assert findings.lost_messages[0].missing_at == ("audit",)


@given(clean_stories(), st.data())
def test_redelivered(story: Story, data: st.DataObject) -> None:
    """A repetition that the server calls one is no more than that."""
    place = data.draw(st.sampled_from(first_deliveries(story)))
    again = story.with_steps(place + 1, Event(**vars(story.event(place)) | {"flags": REDELIVERED}))
    findings = again.findings()
    assert faults(findings) == {}
    assert findings.redelivered == story.findings().redelivered + 1


@given(clean_stories(), st.data())
def test_repeated_without_a_word(story: Story, data: st.DataObject) -> None:
    """A repetition without the flag is a surprise while nothing happens that explains it."""
    place = data.draw(st.sampled_from(first_deliveries(story)))
    assert faults(story.with_steps(place + 1, story.steps[place]).findings()) == {"unflagged": 1}


@given(clean_stories(), st.data(), st.sampled_from(("fault", "heal", "failover", "role", "broken")))
def test_repeated_after_a_disruption(story: Story, data: st.DataObject, disruption: str) -> None:
    """After a failover, or when the connection broke, the server may repeat without a word."""
    place = data.draw(st.sampled_from(first_deliveries(story)))
    broken = Event(Kind.DISCONNECTED, reader=story.event(place).reader)
    between = broken if disruption == "broken" else Told(disruption)
    assert faults(story.with_steps(place + 1, between, story.steps[place]).findings()) == {"repeated": 1}


@given(clean_stories(), st.data())
def test_stored_twice(story: Story, data: st.DataObject) -> None:
    """A message that comes under another sequence was stored twice: the publisher sent it again."""
    place = data.draw(st.sampled_from(first_deliveries(story)))
    next_sequence = 1 + max(story.event(each).sequence for each in story.events(Kind.DELIVERED))
    event = story.event(place)
    copy = Event(**vars(event) | {"sequence": next_sequence})
    found = faults(story.with_steps(place + 1, copy).findings())
    assert found.pop("stored_twice") == 1
    assert found.keys() <= {"gaps"}  # of two channels one is shorter


@given(clean_stories(least=3), st.data())
def test_reordered(story: Story, data: st.DataObject) -> None:
    """Two messages of a publisher that a reader gets the wrong way round: the earlier one is late."""
    pairs = []
    firsts = first_deliveries(story)
    published = {story.event(place).message: place for place in story.events(Kind.PUBLISHED)}
    for place in firsts:
        later = [
            each
            for each in firsts
            if each > place
            and story.event(each).reader == story.event(place).reader
            and story.event(each).publisher == story.event(place).publisher
        ]
        if later and published[story.event(later[0]).message] < place:  # not before there is such a message
            pairs.append((place, later[0]))
    if not pairs:
        return
    one, other = data.draw(st.sampled_from(pairs))
    swapped = story.changed(one, **_message(story, other)).changed(other, **_message(story, one))
    audience = story.load.roster().readers[story.event(one).reader].audience
    repeated = [
        place
        for place in story.events(Kind.DELIVERED)
        if one < place and story.event(place).flags
        and story.load.roster().readers[story.event(place).reader].audience == audience
    ]  # fmt: skip
    findings = swapped.without(*repeated).findings()
    assert faults(findings) == {"reordered": 1}


def _message(story: Story, place: int) -> dict[str, int]:
    event = story.event(place)
    return {"number": event.number, "sequence": event.sequence}


@given(clean_stories(), st.data())
def test_corrupted(story: Story, data: st.DataObject) -> None:
    """A delivery that is damaged is wrong, and the message it was is lost to who got it so."""
    event = story.event(data.draw(st.sampled_from(first_deliveries(story))))
    audience = story.load.roster().readers[event.reader].audience
    place, *more = deliveries_of(story, event.message, audience)
    channel = story.load.channels.index(story.load.roster().publishers[event.publisher])
    damaged = story.changed(place, kind=Kind.STRANGE, publisher=channel, number=0).without(*more)
    assert faults(damaged.findings()) == {"wrong": 1, "lost": 1}


@given(clean_stories(), st.integers(1, 1000))
def test_never_published(story: Story, beyond: int) -> None:
    """A delivery of a number that was not published is unexpected."""
    place = first_deliveries(story)[0]
    event = story.event(place)
    sent = sum(story.event(each).publisher == event.publisher for each in story.events(Kind.PUBLISHED))
    copy = Event(**vars(event) | {"number": sent + beyond})
    assert faults(story.with_steps(len(story.steps), copy).findings()) == {"unexpected": 1}


@given(clean_stories(), st.data())
def test_unknown(story: Story, data: st.DataObject) -> None:
    """A publish without an answer is unknown, whether it was delivered or not; it is not lost."""
    place = data.draw(st.sampled_from(story.events(Kind.ACKED)))
    message = story.event(place).message
    assert faults(story.without(place).findings()) == {"unknown": 1}
    delivered = deliveries_of(story, message)
    undelivered = story.without(place, *delivered).findings()
    assert faults(undelivered).pop("unknown") == 1
    assert not undelivered.lost
    given_up = story.changed(place, kind=Kind.UNANSWERED)
    assert faults(given_up.findings()) == {"unknown": 1}


@given(clean_stories(), st.data())
def test_refused(story: Story, data: st.DataObject) -> None:
    """A publish that the server refused is neither unknown nor lost."""
    place = data.draw(st.sampled_from(story.events(Kind.ACKED)))
    assert faults(story.changed(place, kind=Kind.REFUSED).findings()) == {"refused": 1}


@given(clean_stories(), st.data())
def test_forked(story: Story, data: st.DataObject) -> None:
    """Two messages under one sequence are reported with that sequence."""
    roster = story.load.roster()
    firsts = first_deliveries(story)
    one = story.event(data.draw(st.sampled_from(firsts)))
    others = [
        story.event(place)
        for place in story.events(Kind.DELIVERED)
        if roster.publishers[story.event(place).publisher] == roster.publishers[one.publisher]
        and story.event(place).message != one.message
    ]
    if not others:
        return
    other = data.draw(st.sampled_from(others))
    side = Event(**vars(other) | {"sequence": one.sequence, "flags": REDELIVERED})
    findings = story.with_steps(len(story.steps), side).findings()
    assert findings.forked == 1
    (forked,) = findings.forked_sequences
    assert (forked.channel, forked.first, forked.last) == (
        roster.publishers[one.publisher],
        one.sequence,
        one.sequence,
    )


@given(clean_stories(), st.data())
def test_killed_at_any_moment(story: Story, data: st.DataObject) -> None:
    """A message that may have been on its way when a drill was killed is not lost."""
    drained = story.steps.index(Told("drained", {"missing": 0}))
    killed = Story(story.load, story.steps[: data.draw(st.integers(0, drained))])
    findings = killed.findings()
    assert not findings.drained
    assert faults(findings).keys() <= {"pending", "unknown", "gaps"}


@given(clean_stories(), st.data())
def test_killed_long_after_a_loss(story: Story, data: st.DataObject) -> None:
    """Nor is it excused by the kill when others came long after it."""
    event = story.event(data.draw(st.sampled_from(first_deliveries(story))))
    reader = event.reader
    audience = story.load.roster().readers[reader].audience
    drained = story.steps.index(Told("drained", {"missing": 0}))
    cut = [place for place in deliveries_of(story, event.message, audience) if place < drained]
    killed = Story(story.load, story.without(*cut).steps[: drained - len(cut)])
    sent = sum(story.event(each).publisher == event.publisher for each in story.events(Kind.PUBLISHED))
    killed.tell(Later(60_000)).publish(event.publisher, sent + 1)
    killed.deliver(reader, event.publisher, sent + 1, 1_000_000)
    assert killed.findings().lost == 1
