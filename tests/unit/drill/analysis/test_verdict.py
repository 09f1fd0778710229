"""Limits of a budget, in sentences that name the messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest

from stanlocal.drill.analysis.verdict import Budget, Verdict, judge
from stanlocal.drill.ledger.entries import REDELIVERED, Kind
from tests.unit.drill.story import Event, Story

PLAIN, DURABLE, AUDIT = 0, 1, 2
WRONG = Event(Kind.STRANGE, 0, 0, PLAIN, 4)

LIMITS = ("max_outage", "max_lost", "max_duplicates", "max_reordered", "max_unexpected", "max_wrong",
          "max_gaps", "max_forked", "max_unknown")  # fmt: skip
ANYTHING = Budget(**dict.fromkeys(LIMITS))


def told(
    *numbers: int,
    but: Mapping[int, tuple[int, ...]] | None = None,
    before_the_end: Callable[[Story], object] = lambda story: None,
) -> Story:
    """Messages of publisher 0: each published, delivered to all but those readers, acknowledged; drained."""
    story = Story()
    lacking = but or {}

    def deliver(reader: int) -> None:
        for number in numbers:
            if reader not in lacking.get(number, ()):
                story.deliver(reader, 0, number, number)

    story.publish(0, *numbers)
    deliver(PLAIN)
    deliver(DURABLE)
    story.ack(0, *numbers)
    before_the_end(story)
    story.note("drained", missing=0)
    deliver(AUDIT)
    return story.note("audit", messages=len(numbers))


def verdict(story: Story, **limits: float | None) -> Verdict:
    return judge(story.findings(), Budget(**limits))  # type: ignore[arg-type]


def test_a_drill_without_losses_is_well() -> None:
    """A verdict without problems is ok."""
    well = verdict(told(1, 2, 3), **dict.fromkeys(LIMITS, 0))
    assert (well.ok, well.problems) == (True, ())


@pytest.mark.parametrize(
    ("but", "sentence"),
    [
        (
            {4: (DURABLE,), 5: (DURABLE,), 8: (DURABLE,)},
            "3 acknowledged messages are missing at durable-0, only plain-0, the store at the end had them: "
            "orders publisher 0 number 4 to 5, orders publisher 0 number 8",
        ),
        (
            {3: (PLAIN, DURABLE, AUDIT)},
            "1 acknowledged message is missing at plain-0 and at durable-0 and in the store at the end, "
            "no one had it: orders publisher 0 number 3",
        ),
        (
            {9: (AUDIT,), 10: (AUDIT,)},
            "2 acknowledged messages are missing in the store at the end, only plain-0, durable-0 had them: "
            "orders publisher 0 number 9 to 10",
        ),
    ],
    ids=["a subscriber that drops", "no one", "only one side had them"],
)
def test_lost_messages_are_named(but: Mapping[int, tuple[int, ...]], sentence: str) -> None:
    """A lost message is reported with its numbers, who lacks it, and who had it."""
    assert verdict(told(*range(1, 11), but=but), max_gaps=None).problems == (sentence,)
    assert verdict(told(*range(1, 11), but=but), max_gaps=None, max_lost=len(but)).ok


def test_many_losses_make_one_sentence_for_each_kind() -> None:
    """Runs that are lost in the same way are reported together, the first few of them by number."""
    lacking = dict.fromkeys(range(1, 40, 2), (DURABLE,)) | {40: (PLAIN,)}
    first, second = sorted(verdict(told(*range(1, 41), but=lacking)).problems)
    assert first.startswith("1 acknowledged message is missing at plain-0")
    assert second.startswith("20 acknowledged messages are missing at durable-0")
    assert second.endswith("orders publisher 0 number 9 and 15 more")


@pytest.mark.parametrize(
    ("happens", "limit", "sentence"),
    [
        (
            lambda story: story.deliver(PLAIN, 0, 1, 1, REDELIVERED).deliver(PLAIN, 0, 2, 2),
            "max_duplicates",
            "2 deliveries were not the first of their message; at most 1 are allowed",
        ),
        (
            lambda story: (
                story.publish(1, 1, 2).ack(1, 1, 2).deliver(PLAIN, 1, 2, 5).deliver(PLAIN, 1, 1, 4)
                .deliver(DURABLE, 1, 2, 5).deliver(DURABLE, 1, 1, 4)
                .deliver(AUDIT, 1, 1, 4).deliver(AUDIT, 1, 2, 5)
            ),
            "max_reordered",
            "2 messages came behind a later one of their publisher; at most 1 are allowed",
        ),
        (
            lambda story: story.deliver(PLAIN, 0, 77, 4).deliver(PLAIN, 9, 1, 5),
            "max_unexpected",
            "2 deliveries were of messages that were never published; at most 1 are allowed",
        ),
        (
            lambda story: story.tell(WRONG, WRONG),
            "max_wrong",
            "2 deliveries were damaged, or no messages of this drill; at most 1 are allowed",
        ),
        (
            lambda story: story.publish(1, 1, 2),
            "max_unknown",
            "2 messages were published and never answered: stored or not; at most 1 are allowed",
        ),
        (
            lambda story: story.publish(1, 1).deliver(PLAIN, 1, 1, 6).ack(1, 1).deliver(DURABLE, 1, 1, 6)
            .deliver(AUDIT, 1, 1, 6),
            "max_gaps",
            "2 sequences were never delivered: orders sequence 4 to 5",
        ),
        (
            lambda story: story.publish(1, 1, 2).ack(1, 1, 2).deliver(PLAIN, 1, 1, 2).deliver(PLAIN, 1, 2, 3)
            .deliver(DURABLE, 1, 1, 2).deliver(DURABLE, 1, 2, 3)
            .deliver(AUDIT, 1, 1, 2).deliver(AUDIT, 1, 2, 3),
            "max_forked",
            "2 sequences had two messages each: orders sequence 2 to 3",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("max_") else "",
)  # fmt: skip
def test_a_limit(happens: Callable[[Story], object], limit: str, sentence: str) -> None:
    """Two occurrences are the only problem where one is allowed, and none where two are."""
    story = told(1, 2, 3, before_the_end=happens)
    findings = story.findings()
    assert judge(findings, Budget(**{**vars_of(ANYTHING), limit: 1})).problems == (sentence,)
    assert judge(findings, Budget(**{**vars_of(ANYTHING), limit: 2})).ok


def vars_of(budget: Budget) -> dict[str, None]:
    return dict.fromkeys(LIMITS)


def outage(story: Story) -> None:
    """A fault hits, and the next ack comes 1502 ms later."""
    story.note("fault", name="kill", targets=["stan-0"]).publish(1, 1).later(1500).ack(1, 1)
    for reader in (PLAIN, DURABLE, AUDIT):
        story.deliver(reader, 1, 1, 4)


def test_an_outage_that_is_too_long() -> None:
    """The outage is reported from the fault to the first ack, with the fault."""
    story = told(1, 2, 3, before_the_end=outage)
    bad = verdict(story, max_outage=1.5)
    assert bad.problems == (
        "an outage of 1.502 s after kill at 2026-11-23T12:00:00.013000Z; the limit is 1.5 s",
    )
    assert verdict(story, max_outage=1.6).ok
    document = bad.as_json()
    assert document["outages_ms"] == [1502.0]
    assert [each["fault"] for each in document["outages"]] == ["kill"]
    assert [(each["publisher"], each["ms"]) for each in document["publisher_outages"]] == [(1, 1502.0)]


@pytest.mark.parametrize("late_ms", [10, 60, 400, 2000])
def test_a_fault_explains_an_outage_however_late_a_busy_client_handles_acks(late_ms: int) -> None:
    """An ack that comes after the fault is no service after it: its message was sent before."""

    def happens(story: Story) -> None:
        story.publish(1, 1).note("fault", name="kill", targets=["stan-0"]).later(late_ms).ack(1, 1)
        story.publish(1, 2).later(1500).ack(1, 2)

    outages = told(1, before_the_end=happens).findings().outages
    assert {each.fault for each in outages if each.ms > 1000} == {"kill"}


def test_a_fault_after_which_the_group_served_explains_no_later_outage() -> None:
    def happens(story: Story) -> None:
        story.note("fault", name="kill", targets=["stan-1"]).later(60)
        story.publish(1, 1).ack(1, 1).publish(1, 2).later(1500).ack(1, 2)

    outages = told(1, before_the_end=happens).findings().outages
    assert [each.fault for each in outages] == [None, None]


def test_an_outage_that_does_not_end() -> None:
    """Messages that are published and never answered are an outage until the load's end."""
    story = told(1, before_the_end=lambda story: story.publish(1, 1).later(3000))
    (problem,) = verdict(story, max_outage=1).problems
    assert problem.startswith("an outage of 3.001 s that no fault explains at 2026-11-23T12:00:00.005000Z")
    assert problem.endswith("the limit is 1 s, and no ack came afterwards")


def test_nothing_acknowledged_is_not_well() -> None:
    """A drill in which no client was served proves nothing."""
    assert verdict(Story().publish(0, 1)).problems == ("nothing was acknowledged, 1 messages were published",)


def test_a_problem_of_the_load_is_a_problem_of_the_verdict() -> None:
    """The problem has the words of the load's note."""
    story = told(1, before_the_end=lambda story: story.note("problem", text="client 'x' is lost"))
    assert verdict(story).problems == ("client 'x' is lost",)


def test_the_contracts_fields() -> None:
    """The verdict as JSON has what the contract names, and can be written."""
    document = verdict(told(1, 2, but={2: (DURABLE,)})).as_json()
    assert json.loads(json.dumps(document)) == document
    contract = {"ok": False, "acked": 2, "delivered": 3, "lost": 1, "duplicated": 0, "reordered": 0,
                "unexpected": 0, "unknown": 0, "failovers": [], "outages_ms": []}  # fmt: skip
    assert {name: document[name] for name in contract} == contract
    (lost,) = document["lost_messages"]
    assert (lost["publisher"], lost["first"], lost["last"]) == (0, 2, 2)
    assert (lost["missing_at"], lost["had_by"]) == (["durable-0"], ["plain-0", "audit"])
    assert document["seed"] == 7
    assert document["complete"] is True


def test_failovers_are_those_noted() -> None:
    """A failover that the drill noted is in the verdict as it was noted."""
    seen = {"cause": "kill", "from": "g-0", "to": "g-1", "outage_ms": None}
    story = told(1, before_the_end=lambda story: story.note("failover", **seen))
    assert verdict(story).as_json()["failovers"] == [seen]


def test_a_fault_that_hits_several_nodes_is_one() -> None:
    """Faults are told apart by their ids."""
    story = told(1)
    for fault, node in (("a", "g-0"), ("a", "g-1"), ("b", "g-0")):
        story.note("fault", id=fault, name="kill", node=node)
    assert story.findings().faults == 2
