"""`scripts/docs`: what the site is made of, before it is built."""

from __future__ import annotations

import logging
from pathlib import Path

import click
import pytest

from stanlocal.cli.app import app
from tests.support.scripts import load_script

script = load_script("docs")


@pytest.fixture(scope="module")
def assembled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    script.assemble(folder)
    return folder


def moved(text: str, source: str = "docs/testing.md") -> tuple[str, set[str]]:
    """Return the text in the site, and what else of the repository it needs."""
    places = script.page_places()
    wanted: set[str] = set()
    return script.within_site(text, source, places[source], places, wanted), wanted


@pytest.mark.parametrize(
    ("link", "within", "wanted"),
    [
        ("faults.md#the-faults", "faults.md#the-faults", set()),
        ("../tests/bench/results/store.md", "measurements/store.md", set()),
        ("../examples", "project/examples.md", set()),
        ("../compose", "files/compose/index.md", {"compose"}),
        ("../ci/gitlab.yml", "files/ci/gitlab.yml", {"ci/gitlab.yml"}),
        ("https://example.com/a", "https://example.com/a", set()),
        ("#here", "#here", set()),
        ("nowhere.md", "nowhere.md", set()),
    ],
)
def test_a_link_to_the_repository_leads_within_the_site(link: str, within: str, wanted: set[str]) -> None:
    assert moved(f"see [it]({link}).\n") == (f"see [it]({within}).\n", wanted)


def test_pages_beside_the_code_link_to_the_others() -> None:
    assert moved("[d](docs/drills.md)", "CHANGELOG.md")[0] == "[d](../drills.md)"


def test_code_is_left_as_it_is() -> None:
    code = "```\n[it](../compose)\n```\n"
    assert moved(code) == (code, set())


def test_every_command_is_on_the_page_of_commands(assembled: Path) -> None:
    page = (assembled / "reference" / "commands.md").read_text()
    headings = [line.lstrip("# ") for line in page.splitlines() if line.startswith("##")]
    assert {f"stanlocal {name}" for name in app.list_commands(click.Context(app))} < set(headings)
    assert "stanlocal store verify" in headings
    assert page.count("Usage: stanlocal ") == len(headings)


def test_folders_that_are_linked_to_list_their_files(assembled: Path) -> None:
    assert "[compose.yaml](compose.yaml)" in (assembled / "files" / "compose" / "index.md").read_text()
    assert (assembled / "files" / "compose" / "compose.yaml").is_file()


def test_results_have_their_place_in_the_navigation(assembled: Path) -> None:
    [reference] = script.with_results([{"Measurements": "measurements/"}], assembled)
    assert "measurements/store.md" in reference["Measurements"]


def test_warnings_of_the_builder_are_complaints() -> None:
    complaints = script.Complaints()
    logger = logging.Logger("mkdocs")
    logger.addHandler(complaints)
    logger.info("built")
    logger.warning("a link to %s leads nowhere", "x.md")
    assert complaints.lines == ["a link to x.md leads nowhere"]
