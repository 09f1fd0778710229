"""`drill`, as far as it needs no group: what can be run, verdicts of ledgers, and what is refused before."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from stanlocal.cli import output_file
from stanlocal.cli.app import run
from stanlocal.drill.scenario.scenario_file import shipped
from stanlocal.errors import OutputError
from tests.unit.drill.story import Story


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def ledger(*, lost: bool) -> str:
    """A ledger in the folder, of a drill that lost a message, or did not."""
    story = Story().publish(0, 1, 2).ack(0, 1, 2).deliver(0, 0, 1, 1).deliver(1, 0, 1, 1).deliver(0, 0, 2, 2)
    if not lost:
        story.deliver(1, 0, 2, 2)
    story.note("drained", missing=int(lost)).deliver(2, 0, 1, 1).deliver(2, 0, 2, 2)
    story.note("audit", messages=2).note("end", interrupted=False)
    Path("a.ledger").write_bytes(story.written())
    return "a.ledger"


@pytest.mark.parametrize("arguments", [["drill", "list"], ["drill", "--list"]])
def test_the_scenarios_are_listed_with_what_they_teach(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["drills"]
    assert [each["name"] for each in listed] == shipped()
    assert all(each["title"] and each["teaches"] for each in listed)
    assert run(arguments) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in shipped())
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["kil-loop"], "no scenario 'kil-loop'; did you mean 'kill-loop'?"),
        (["--seed", "1", "kil-loop"], "no scenario 'kil-loop'; did you mean 'kill-loop'?"),
        (["mine.toml"], "mine.toml: cannot be read: no such file or directory"),
        (
            ["partition", "--kill-active", "3"],
            "'partition' does not kill @active over and over; try kill-loop",
        ),
        (["kill-loop", "--duration", "soon"], "'--duration': 'soon' is not a duration"),
        (["kill-loop", "--html", "none/a.html"], "its folder is not there"),
        (["kill-loop", "--max-outage", "-1"], "-1.0 is out of range; give"),
        (["verify", "none.ledger"], "none.ledger cannot be read"),
    ],
)
def test_invalid_runs_are_refused_before_anything_starts(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["drill", *arguments]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_every_problem_of_a_scenario_has_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.toml").write_text("[[step]]\ndo = 'kil'\n[[step]]\ndo = 'kill'\ntargets = '9'\n")
    assert run(["drill", "mine.toml"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "error: mine.toml: step 1: no step or fault 'kil'; did you mean 'kill'?",
        "error: mine.toml: step 2: no node 9 in a group of 2: they are 0 to 1",
    ]


def test_a_drill_that_can_cost_the_data_of_the_group_that_runs_needs_a_yes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["drill", "expire-lock", "--here"]) == 2
    assert "can be lost" in capsys.readouterr().err


def test_a_ledger_without_losses_is_ok(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["drill", "verify", ledger(lost=False)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("story: ok\n")
    assert "2 acknowledged" in out


def test_a_ledger_with_a_loss_is_bad_and_all_reports_say_where(capsys: pytest.CaptureFixture[str]) -> None:
    where = "orders publisher 0 number 2"
    path = ledger(lost=True)
    assert run(["drill", "verify", path, "--junit", "j.xml", "--html", "r.html"]) == 5
    out = capsys.readouterr().out
    assert out.startswith("story: BAD, 1 problem\n")
    assert where in out
    assert where in Path("r.html").read_text()
    failure = Xml.parse("j.xml").getroot().find("testsuite/testcase/failure")
    assert failure is not None
    assert where in (failure.text or "")


def test_the_verdict_as_json_has_the_fields_of_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--json", "drill", "verify", ledger(lost=True)]) == 5
    document = json.loads(capsys.readouterr().out)
    promised = {"ok", "acked", "delivered", "lost", "duplicated", "reordered", "unexpected", "unknown",
                "failovers", "outages_ms"}  # fmt: skip
    assert promised <= document.keys()
    assert (document["ok"], document["lost"], document["ended"]) == (False, 1, "whole")
    assert document["ledger"] == "a.ledger"


def test_a_limit_on_the_command_line_counts_more_than_the_drill_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["drill", "verify", ledger(lost=True), "--max-lost", "1"]) == 0
    assert "ok" in capsys.readouterr().out


def test_a_ledger_that_was_cut_short_is_judged(capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(ledger(lost=False))
    path.write_bytes(path.read_bytes()[:-200])
    run(["drill", "verify", str(path)])
    assert "(killed)" in capsys.readouterr().out


def test_help_shows_the_options_of_a_run_and_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["drill", "--help"]) == 0
    out = capsys.readouterr().out
    assert "--kill-active" in out
    assert all(f"\n  {command}" in out for command in ("list", "record", "verify"))


def test_a_verdict_is_shown_even_if_its_report_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path, text: str, *, force: bool) -> None:
        raise OutputError(f"{path} cannot be written: no space left on device; name another")

    monkeypatch.setattr(output_file, "write", full)
    assert run(["drill", "verify", ledger(lost=True), "--junit", "j.xml"]) == 2
    out, err = capsys.readouterr()
    assert out.startswith("story: BAD, 1 problem\n")
    assert "no space left on device" in err
