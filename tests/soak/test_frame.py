"""The frame of evidence runs: trials are made once, recorded, and shown as they were."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stanlocal.errors import StanlocalError
from tests.soak import frame
from tests.soak.evidence import evidence_page
from tests.soak.histogram import histogram
from tests.soak.page import holds, row_page
from tests.soak.resources import growth
from tests.soak.row import Row
from tests.soak.rows import ROWS
from tests.soak.trial_log import Entry, Result, Surroundings, Trial, TrialLog

SURROUNDINGS = Surroundings("abc", "stanlocal 1", "2 cores", 0.5)


def row(**changed: object) -> Row:
    """A row whose trials make all their units and lose nothing."""
    made = Row(
        name="example",
        title="An example",
        how="by hand.",
        unit="kills",
        wanted=10,
        per_trial=4,
        cases=("one", "other"),
        run=lambda trial, folder: Result(
            trial.units, counts={"lost": 0, "acked": trial.units}, figures={"ms": [5.0, 7.0]}
        ),
        none_of={"lost": "messages lost"},
        shown={"acked": "acknowledged"},
        figures={"ms": "Outages"},
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def make(row: Row, tmp_path: Path, until: int = 10, seed: int = 1, **how: Any) -> TrialLog:
    """Run it as the command does."""
    tmp_path.mkdir(exist_ok=True)
    log = TrialLog(tmp_path / "example.jsonl", seed)
    trials = tmp_path / "trials"
    asyncio.run(frame.run(row, log, trials, until=until, say=lambda line: None, make=in_this_process, **how))
    return log


async def in_this_process(row: Row, trial: Trial, folder: Path) -> Entry:
    """Make a trial here: its row is no real one."""
    return frame.made(row, trial, folder)


def lines(log: TrialLog) -> list[bytes]:
    """The entries as the file has them."""
    return [each.line() for each in log.entries]


def test_trials_are_made_until_the_count_is_reached_and_cases_take_turns(tmp_path: Path) -> None:
    log = make(row(), tmp_path)
    made = [(each.trial.case, each.trial.units) for each in log.entries]
    assert made == [("one", 4), ("other", 4), ("one", 2)]
    assert not list((tmp_path / "trials").iterdir())


def test_a_run_goes_on_where_it_was_ended_even_in_the_middle_of_a_line(tmp_path: Path) -> None:
    first = lines(make(row(), tmp_path, until=8))
    with (tmp_path / "example.jsonl").open("ab") as file:
        file.write(b'{"trial":{"num')
    whole = make(row(), tmp_path)
    assert lines(whole)[:2] == first
    assert lines(TrialLog(tmp_path / "example.jsonl", 1)) == lines(whole)
    assert len({each.trial.seed for each in whole.entries}) == 3


def test_a_run_of_another_seed_is_not_continued(tmp_path: Path) -> None:
    make(row(), tmp_path)
    with pytest.raises(ValueError, match="another seed than 2"):
        make(row(), tmp_path, seed=2)


def test_several_trials_at_a_time_make_what_one_after_the_other_makes(tmp_path: Path) -> None:
    alone, together = make(row(), tmp_path / "alone"), make(row(), tmp_path / "together", jobs=3)
    assert {each.trial for each in together.entries} == {each.trial for each in alone.entries}


def test_a_trial_that_was_not_recorded_is_made_by_the_next_run(tmp_path: Path) -> None:
    log = make(row(), tmp_path)
    (tmp_path / "example.jsonl").write_bytes(b"".join(lines(log)[1:]))
    assert {each.trial.number for each in make(row(), tmp_path).entries} == {0, 1, 2}


def test_trials_of_some_cases_leave_those_of_the_others_to_another_run(tmp_path: Path) -> None:
    log = make(row(), tmp_path, until=4, only=["other"])
    assert [(each.trial.number, each.trial.case) for each in log.entries] == [(1, "other")]
    assert [each.trial.number for each in make(row(), tmp_path).entries] == [1, 0, 2]


def test_what_a_failed_trial_leaves_is_kept_and_many_failures_end_the_run(tmp_path: Path) -> None:
    def fail(trial: Trial, folder: Path) -> Result:
        (folder / "evidence").write_text("x")
        raise StanlocalError("it broke")

    log = make(row(run=fail), tmp_path)
    assert [each.result.problems for each in log.entries] == [["StanlocalError: it broke"]] * 5
    assert (tmp_path / "trials" / "example-0" / "evidence").exists()
    assert not holds(row(), log.entries)


def test_trials_with_problems_are_made_again_and_stay_on_the_page(tmp_path: Path) -> None:
    def fail(trial: Trial, folder: Path) -> Result:
        return Result(4, [f"trial {trial.number} broke"] if trial.number == 1 else [])

    log = make(row(run=fail), tmp_path)
    log.set_problems_aside()
    again = make(row(), tmp_path)
    assert [each.trial.number for each in again.entries] == [0, 2, 1]
    text = row_page(row(), again.entries, again.made_again)
    assert "## Problems of trials that were made again" in text
    assert f"- trial 1 (other, seed {again.seed_of(1)}): trial 1 broke" in text
    assert holds(row(), again.entries)


def test_an_error_that_no_one_thought_of_ends_the_run_and_records_nothing(tmp_path: Path) -> None:
    def break_down(trial: Trial, folder: Path) -> Result:
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"):
        make(row(run=break_down), tmp_path)
    assert not (tmp_path / "example.jsonl").exists()


def entries(*results: Result) -> list[Entry]:
    """Entries with these results."""
    began = datetime(2026, 11, 29, 12, tzinfo=UTC)
    return [
        Entry(Trial(number, ("one", "other")[number % 2], 7, 4), result, began, 3.0, SURROUNDINGS)
        for number, result in enumerate(results)
    ]


def test_a_page_says_how_many_trials_there_are_and_of_which_code() -> None:
    found = entries(Result(4, counts={"lost": 0, "acked": 1200}, figures={"ms": [5.0, 700.0]}))
    text = row_page(row(), found)
    assert "**Not complete: 4 of 10 kills.**" in text
    assert "Made by `python -m tests.soak example`" in text
    assert "| kills | 10 | 4 in 1 trials | no |" in text
    assert "1 trials on abc, from 2026-11-29 12:00" in text
    assert not holds(row(), found)


def test_a_page_lists_problems_and_explained_losses_with_their_seeds() -> None:
    bad = Result(4, ["it hung"], ["one was lost"], {"lost": 1, "acked": 3}, {"ms": [9.0]})
    text = row_page(row(wanted=4), entries(bad))
    assert "- trial 0 (one, seed 7): it hung" in text
    assert "- trial 0 (one, seed 7): one was lost" in text
    assert "| messages lost | 0 | 1 | no |" in text
    assert "Not complete" not in text


def test_a_complete_run_without_problems_holds() -> None:
    good = Result(5, counts={"lost": 0, "acked": 5})
    assert holds(row(), entries(good, good))


def test_the_summary_says_what_was_found_and_what_the_server_lost() -> None:
    found = Result(
        4, [], ["sequence 7 was given twice"], {"lost": 0, "acked": 9}, {"outage_ms": [900.0, 1100.0]}
    )
    example = row(name="kills", figures={"outage_ms": "Outages"})
    text = evidence_page([(example, entries(found))])
    link = "[An example](../tests/soak/results/kills.md)"
    assert f"| {link} | 4 of 10 kills | 0 | 0 messages lost; 9 acknowledged |" in text
    assert "An example, one (2 outages):" in text
    assert "- An example, trial 0 (one): sequence 7 was given twice" in text


def test_a_histogram_has_every_value_in_it() -> None:
    values = [900.0 + each for each in range(100)] + [9000.0, 20_000.0, 30_000.0]
    text = histogram(values)
    assert sum(int(line.split()[-1]) for line in text.splitlines() if "█" in line) == 103
    assert "more, up to 30,000 ms" in text
    assert "900 to" in text


@pytest.mark.parametrize("values", [[5.0], [5.0, 5.0, 5.0], [0.0, 1e6]])
def test_a_histogram_of_few_values_is_drawn(values: list[float]) -> None:
    assert "█" in histogram(values)
    assert histogram([]) == "no value"


def test_memory_that_grows_only_at_first_is_flat() -> None:
    assert growth([1, 50, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100]) == 0
    assert growth([100 * each for each in range(12)]) == 800
    assert growth([5]) == 0


def test_every_row_has_cases_and_its_page_a_name() -> None:
    for name, each in ROWS.items():
        assert name == each.name
        assert each.cases
        assert each.wanted >= each.per_trial > 0
