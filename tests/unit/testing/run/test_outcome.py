"""What came of a command on a group, in a paragraph, as JSON, as JUnit and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as Xml

from stanlocal.history.failovers import Failover
from stanlocal.history.timeline import Event
from stanlocal.model.fault_record import FaultRecord
from stanlocal.testing.run.outage_watch import SeenOutage
from stanlocal.testing.run.outcome import RunOutcome
from stanlocal.testing.run.report import junit_report, page

STARTED = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script>\x07&\"'"


def outcome(**fields: Any) -> RunOutcome:
    given: dict[str, Any] = {
        "command": ["go", "test", "./..."],
        "exit_code": 0,
        "started": STARTED,
        "ended": STARTED + timedelta(seconds=12.34),
        "group": "run-1",
        "engine": "docker",
        "failovers": [],
        "faults": [],
        "outages": [],
        "max_outage_s": None,
        "seed": None,
    }
    return RunOutcome(**(given | fields))


def failovers(*ms: float) -> Sequence[Failover]:
    found = []
    for number, each in enumerate(ms):
        fault = STARTED + timedelta(seconds=number)
        ready = fault + timedelta(milliseconds=each)
        found.append(Failover("kill", "run-1-0", "run-1-1", fault, None, None, None, ready))
    return found


def fault(name: str, **fields: Any) -> FaultRecord:
    return FaultRecord(name, name, ("run-1-0",), {}, STARTED, None, "it ends", ends_run=True, **fields)


def outages(*ms: float) -> Sequence[SeenOutage]:
    return [SeenOutage(STARTED, each) for each in ms]


def test_a_quiet_run_says_so() -> None:
    assert outcome().paragraph() == "go test ./... succeeded after 12.3 s on run-1; 0 failovers, no outage"


def test_without_a_client_a_quiet_run_says_nothing_of_outages() -> None:
    found = outcome(outages=None)
    assert found.paragraph() == "go test ./... succeeded after 12.3 s on run-1; 0 failovers"
    assert "not measured" in page(found)


def test_failovers_faults_the_longest_outage_and_the_seed_are_said() -> None:
    found = outcome(
        exit_code=3,
        failovers=failovers(900, 1100),
        faults=[fault("kill"), fault("pause"), fault("kill")],
        outages=outages(950, 2345),
        seed=7,
    )
    assert found.paragraph() == (
        "go test ./... ended with exit code 3 after 12.3 s on run-1; 2 failovers after 3 faults (2 kill, "
        "1 pause), longest outage 2.35 s; '--seed 7' repeats it"
    )
    assert not found.ok
    assert found.problems == []


def test_without_a_client_the_servers_own_times_count() -> None:
    found = outcome(outages=None, failovers=failovers(900, 1100))
    assert found.paragraph().endswith("2 failovers, longest outage of the servers 1.10 s")
    assert found.document()["outages_ms"] is None


def test_an_outage_over_the_budget_is_a_problem_also_if_it_lasts_to_the_end() -> None:
    found = outcome(outages=[*outages(500), SeenOutage(STARTED, 2500, over=False)], max_outage_s=2)
    assert found.problems == [
        "an outage of 2.500 s at 2026-11-23T12:00:00.000000Z, and it was not over when the command ended; "
        "the limit is 2 s"
    ]
    assert (found.ok, found.exit_code) == (False, 0)


def test_what_kept_the_faults_from_being_as_asked_is_a_problem() -> None:
    found = outcome(failures=["no fault was injected after kill @active failed: no luck"])
    assert (found.ok, found.document()["problems"]) == (False, list(found.failures))


def test_junit_has_one_case_which_fails_with_the_command_or_the_budget() -> None:
    def case(found: RunOutcome) -> Xml.Element:
        root = Xml.fromstring(junit_report(found))
        (only,) = root.findall("testsuite/testcase")
        return only

    assert case(outcome()).find("failure") is None
    failed = case(outcome(exit_code=3, sections=[("run-1: logs", HOSTILE)])).find("failure")
    assert failed is not None
    assert (failed.get("message"), failed.get("type")) == ("exit code 3", "exit")
    late = case(outcome(outages=outages(2500), max_outage_s=2)).find("failure")
    assert late is not None
    assert late.get("type") == "verdict"
    assert "the limit is 2 s" in str(late.get("message"))


def test_the_page_shows_everything_and_escapes_it() -> None:
    event = Event(STARTED, "problem", "run-1-0", {"problem": HOSTILE})
    found = outcome(
        command=["sh", "-c", HOSTILE],
        exit_code=1,
        failovers=failovers(900),
        faults=[fault("kill", observed=HOSTILE, as_expected=False)],
        outages=outages(950),
        seed=7,
        events=[event],
        sections=[("run-1: logs", HOSTILE)],
    )
    html = page(found)
    assert "<script" not in html
    assert "\x07" not in html
    for shown in ("0.950 s", "run-1-1", "run-1: logs", "12:00:00.000", "expected"):
        assert shown in html
