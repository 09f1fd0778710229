"""What the pages of the documentation promise of themselves, and of the program."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from stanlocal.cli import exit_codes
from stanlocal.drill.analysis.outcome import Outcome
from stanlocal.gotchas.registry import GOTCHAS
from stanlocal.model.group_document import MEANINGS
from stanlocal.model.states import NodeState
from stanlocal.stan.refusals import SERVER_TEXTS
from tests.support.pages import ROOT, blocks, text
from tests.support.transcript import shown
from tests.unit.drill.analysis.test_verdict import told, verdict

_TITLES = {
    "docs/how-to/production-stan-conf.md": "How do I run my production stan.conf",
    "docs/how-to/copied-store.md": "A copied production store",
    "docs/how-to/tls.md": "TLS",
    "docs/how-to/engines.md": "Podman, Docker Desktop, rootless",
}
_OF_STAN_GO = (
    "stan: connect request timeout (possibly wrong cluster ID?)",
    "stan: connection lost due to PING failure",
    "stan: publish ack timeout",
    'STREAM: Error with index file "orders/msgs.1.idx": x. Truncating and recovering from data file',
)
"""Of the Go client, and of a server that has found an index that does not fit."""
_OF_STANLOCAL = (
    (ROOT / "stanlocal" / "engine" / "docker" / "endpoint.py").read_text("utf-8"),
    (ROOT / "stanlocal" / "engine" / "docker" / "lock_trial.py").read_text("utf-8"),
    (ROOT / "stanlocal" / "lifecycle" / "port_allocation.py").read_text("utf-8"),
)
_CODES = {value for name, value in vars(exit_codes).items() if name.isupper()}


@pytest.mark.parametrize(("page", "title"), _TITLES.items())
def test_a_page_is_found_under_the_words_that_people_look_for(page: str, title: str) -> None:
    assert text(page).startswith(f"# {title}\n")


def test_every_exit_code_is_explained() -> None:
    rows = re.findall(r"^\| (\d+) \|", text("docs/reference/exit-codes.md"), re.MULTILINE)
    assert set(map(int, rows)) == {0, *_CODES}


def test_every_state_is_explained() -> None:
    page = text("docs/explanation/how-stanlocal-sees-it.md")
    nodes, groups = page.split("## States of a node")[1].split("## States of a group")
    assert [state.value for state in NodeState if f"`{state.value}`" not in nodes] == []
    assert [state for state in MEANINGS if f"`{state}`" not in groups] == []


def test_the_line_of_every_gotcha_is_explained_and_can_be_seen() -> None:
    """The last word of a message differs; `…` stands for it on the page."""
    page = " ".join(text("docs/troubleshooting.md").replace("…", "other").split())
    assert [name for name in GOTCHAS if f"`stanlocal gotcha {name}`" not in page] == []
    assert [name for name, gotcha in GOTCHAS.items() if not re.search(gotcha.line, page)] == []


def test_headings_are_lines_that_were_seen() -> None:
    """In logs of real servers that are kept for tests, in answers of servers, or in gotchas."""
    logs = [path.read_text("utf-8", "replace") for path in (ROOT / "tests" / "unit").rglob("*.log")]
    sources = [*logs, *SERVER_TEXTS, *_OF_STAN_GO, *_OF_STANLOCAL]
    gotchas = [gotcha.line for gotcha in GOTCHAS.values()]

    def was_seen(line: str) -> bool:
        pattern = re.compile(".*?".join(map(re.escape, line.split("…"))))
        return any(map(pattern.search, sources)) or any(re.search(each, line) for each in gotchas)

    headings = re.findall(r"^### `(.*)`$", text("docs/troubleshooting.md"), re.MULTILINE)
    assert len(headings) > 25
    assert [line for line in headings if not was_seen(line)] == []


def test_a_server_s_line_is_a_heading() -> None:
    page = text("docs/troubleshooting.md")
    headings = "\n".join(re.findall(r"^### .*$", page, re.MULTILINE)).replace("…", "other")
    lines = [
        gotcha.line for name, gotcha in GOTCHAS.items() if name not in ("client-replaced", "connect-timeout")
    ]
    assert [line for line in lines if not re.search(line, headings)] == []


def test_the_verdict_of_a_drill_is_shown_whole() -> None:
    """A drill takes too long to be run for it."""
    (said,) = (each for each in shown("docs/reference/json.md") if "stanlocal drill" in each.command)
    assert json.loads(said.output).keys() == Outcome(verdict(told(1)), Path("x")).document().keys()


def test_the_readme_begins_with_what_moves() -> None:
    readme = text("README.md")
    assert "(docs/images/failover.svg)" in readme.split("\n## ")[0]


def test_pages_that_are_compared_have_something_to_compare() -> None:
    compared = {
        block.page for block in blocks("console") if re.search(r"^(?!\$ )\S", block.code, re.MULTILINE)
    }
    assert {"docs/tutorial.md", "docs/reference/json.md"} <= compared


def test_no_picture_of_the_documentation_is_missing() -> None:
    named = {
        name
        for page in (ROOT / "docs").rglob("*.md")
        for name in re.findall(r"\((?:\.\./)*(images/[^)]+)\)", page.read_text("utf-8"))
    }
    assert {name for name in named if not (ROOT / "docs" / name).is_file()} == set()
