"""The report of a drill: HTML, JUnit, and the lanes of its timeline."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.drill.analysis.outcome import Outcome, judged
from stanlocal.drill.report.html import page
from stanlocal.drill.report.junit import junit_report
from stanlocal.drill.report.lanes import clock, lanes, length_s, ticks
from tests.unit.drill.story import Story, clean_stories

HOSTILE = "<script>alert('x')</script>\x07&\"'"
FAULT = {"id": "f1", "name": "kill", "targets": ["g-0"], "expected": HOSTILE, "observed": "as it was"}
FAILOVER = {
    "cause": HOSTILE,
    "from": "g-0",
    "to": "g-1",
    "moments": {"fault": "2026-11-23T12:00:01.000000Z", "ready": "2026-11-23T12:00:02.500000Z"},
}


@pytest.fixture
def outcome_of(tmp_path: Path) -> Callable[[Story], Outcome]:
    """Judges a story as `drill verify` would."""

    def judge(story: Story) -> Outcome:
        path = tmp_path / "a.ledger"
        path.write_bytes(story.written())
        return judged(path)

    return judge


def eventful() -> Story:
    """A kill, its failover, a message that only one subscriber had; all names are hostile."""
    story = Story().note("scenario", title=HOSTILE, teaches=HOSTILE, source=HOSTILE)
    story.note("nodes", states={"g-0": "active", "g-1": "standby"})
    story.publish(0, 1, 2).deliver(0, 0, 1, 1).deliver(1, 0, 1, 1).ack(0, 1)
    story.note("step", number=1, step=HOSTILE).note("fault", node="g-0", **FAULT)
    story.note(
        "role", node="g-0", **{"from": "active", "to": "stopped", "paused": False, "partitioned": False}
    )
    story.later(1500)
    story.note(
        "role", node="g-1", **{"from": "standby", "to": "active", "paused": False, "partitioned": True}
    )
    story.ack(0, 2).deliver(0, 0, 2, 2)
    story.note("heal", node="g-0", **FAULT).note("said", node="g-1", problem=HOSTILE)
    story.note("drained", missing=1).deliver(2, 0, 1, 1).note("audit", messages=1)
    story.note("failovers", failovers=[FAILOVER, {"cause": "of another making"}])
    return story.note("faults", faults=[{**FAULT, "as_expected": False, "lost": {"orders": [7, 9]}}]).note(
        "end", interrupted=False
    )


class Tags(HTMLParser):
    """Collects the tags and addresses that a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


def test_the_report_is_one_file_without_scripts_that_loads_nothing(
    outcome_of: Callable[[Story], Outcome],
) -> None:
    """The page stays well-formed where all text in the ledger tries to be markup."""
    text = page(outcome_of(eventful()))
    tags = Tags()
    tags.feed(text)
    assert "script" not in tags.tags
    assert not tags.addresses
    assert not tags.handlers
    assert "default-src 'none'" in text
    assert not re.search(r"url\(|@import", text)
    assert "&lt;script&gt;" in text


def test_the_report_shows_where_it_went_wrong(outcome_of: Callable[[Story], Outcome]) -> None:
    outcome = outcome_of(eventful())
    text = page(outcome)
    assert not outcome.verdict.ok
    assert "Where it went wrong" in text
    assert "<td>orders</td><td>0</td><td>2</td>" in text
    assert "the store at the end" in text
    assert "not as expected" in text
    assert "acknowledged by the later active alone: orders sequences 7 to 9" in text
    assert "kill g-0" in text


def test_the_report_of_a_drill_that_went_well_says_ok(outcome_of: Callable[[Story], Outcome]) -> None:
    story = Story().publish(0, 1).deliver(0, 0, 1, 1).deliver(1, 0, 1, 1).ack(0, 1)
    story.note("drained", missing=0).deliver(2, 0, 1, 1).note("audit", messages=1)
    outcome = outcome_of(story.note("end", interrupted=True))
    text = page(outcome)
    assert outcome.verdict.ok
    assert ">ok</span>" in text
    assert "Where it went wrong" not in text
    assert "interrupted: what ran is judged" in text


def test_the_phases_of_a_script_are_in_all_reports(outcome_of: Callable[[Story], Outcome]) -> None:
    """Whatever a changed ledger says of them."""
    story = Story().note("phase", name="copy", seconds=1.25, detail=HOSTILE, pause_s=0.5)
    outcome = outcome_of(story.note("phase", name=["odd"], seconds="long", detail=None))
    assert [(each["name"], each["seconds"], each["pause_s"]) for each in outcome.document()["phases"]] == [
        ("copy", 1.25, 0.5),
        ("['odd']", 0.0, None),
    ]
    assert '<td>copy</td><td class="n">1.25</td><td>&lt;script' in page(outcome)
    cases = Xml.fromstring(junit_report(outcome)).findall(".//testcase")
    assert [(each.attrib["name"], each.attrib["time"]) for each in cases[1:]] == [
        ("copy", "1.250"),
        ("['odd']", "0.000"),
    ]


def test_a_drill_that_was_killed_at_once_has_a_report(outcome_of: Callable[[Story], Outcome]) -> None:
    outcome = outcome_of(Story())
    assert outcome.ended == "killed"
    assert "killed: what ran is judged" in page(outcome)
    assert "BAD" in page(outcome)


def test_junit_has_a_failure_for_a_bad_verdict_with_all_its_problems(
    outcome_of: Callable[[Story], Outcome],
) -> None:
    outcome = outcome_of(eventful())
    root = Xml.fromstring(junit_report(outcome))
    assert root.attrib["failures"] == "1"
    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.text == "\n".join(outcome.verdict.problems)
    figures = {each.attrib["name"]: each.attrib["value"] for each in root.iter("property")}
    assert (figures["acked"], figures["lost"], figures["seed"]) == ("2", "1", "7")


def test_junit_of_a_good_verdict_has_no_failure(outcome_of: Callable[[Story], Outcome]) -> None:
    story = Story().publish(0, 1).deliver(0, 0, 1, 1).deliver(1, 0, 1, 1).ack(0, 1)
    root = Xml.fromstring(junit_report(outcome_of(story.note("drained", missing=0))))
    assert (root.attrib["tests"], root.attrib["failures"]) == ("1", "0")
    assert root.find("testsuite/testcase/failure") is None


def test_junit_can_be_read_whatever_a_problem_says(outcome_of: Callable[[Story], Outcome]) -> None:
    outcome = outcome_of(Story().note("problem", text=HOSTILE))
    failure = Xml.fromstring(junit_report(outcome)).find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.text is not None
    assert failure.text.startswith("<script>alert('x')</script>\\x07&")


def test_the_timeline_has_a_lane_for_each_node_for_faults_and_for_outages() -> None:
    found = {lane.name: [(bar.kind, bar.text) for bar in lane.bars] for lane in lanes(eventful().findings())}
    assert found == {
        "g-0": [("active", "g-0 active"), ("stopped", "g-0 stopped")],
        "g-1": [("standby", "g-1 standby"), ("partitioned", "g-1 partitioned, active")],
        "faults": [("fault", "kill g-0")],
        "no acks": [("outage", found["no acks"][0][1])],
        "lost": [("lost", "orders publisher 0 number 2")],
    }
    assert found["no acks"][0][1].endswith(" ms after kill")


@given(clean_stories())
def test_bars_are_within_the_drill_and_in_the_order_of_time(story: Story) -> None:
    found = story.note("nodes", states={"g-0": "active"}).later(5).findings()
    for lane in lanes(found):
        for bar in lane.bars:
            assert 0 <= bar.begin <= bar.end <= length_s(found) + 1e-6


@given(st.floats(0.001, 1e6))
def test_an_axis_has_a_few_round_moments_whatever_its_length(length: float) -> None:
    found = ticks(length)
    assert 2 <= len(found) <= 11
    assert found[0] == 0
    assert found[-1] <= length


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (7, "0:07"), (65, "1:05"), (3600, "60:00"), (1.5, "0:01.5")]
)
def test_times_of_a_drill_are_minutes_and_seconds(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


@pytest.mark.parametrize("lost", [3, "x", [1], {"orders": 4}, {"orders": [[], {}]}])
def test_a_ledger_that_others_have_written_to_has_a_report(
    lost: object, outcome_of: Callable[[Story], Outcome]
) -> None:
    """Whatever stands where the drill puts something else."""
    story = Story().note("faults", faults=[{"lost": lost, "targets": lost}, lost])
    story.note("nodes", states=lost).note("role", node=lost, to=lost).note("fault", id=lost).note("heal")
    assert "</html>" in page(
        outcome_of(story.note("failovers", failovers=[lost, {"moments": lost}]).note("end"))
    )
