"""`scripts/moving-picture`: frames of the terminal interface as one picture that moves by itself."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Static

from tests.support.pages import ROOT
from tests.support.scripts import load_script

script = load_script("moving-picture")
built_site = load_script("lib/built_site.py")
_SVG = "{http://www.w3.org/2000/svg}"
_MOST_BYTES = 300_000


class _Screen(App[None]):
    """A line that stays, and one that is what the test makes of it."""

    def compose(self) -> ComposeResult:
        yield Static("it stays", markup=False)
        yield Static("", id="moves", markup=False)


async def frames(*texts: str) -> list[object]:
    """A frame for each text on the second line, shown for as many seconds as it has letters."""
    app, found = _Screen(), []
    async with app.run_test(size=(40, 3)) as pilot:
        for text in texts:
            app.query_one("#moves", Static).update(text)
            await pilot.pause()
            picture = app.export_screenshot(title="t", simplify=True)
            found.append(script.Frame(picture, f"caption {text}", len(text)))
    return found


def shown(picture: str, seconds: float) -> str:
    """Return what can be read at that time of the animation."""
    root = ElementTree.fromstring(picture)
    style = root.findtext(f"{_SVG}style") or ""
    hidden = set()
    for name, whole in re.findall(r"\.(k\d+)\{animation:k\d+ ([\d.]+)s", style):
        steps = re.search(rf"@keyframes {name}\{{(.*?\}})\}}", style)
        assert steps is not None
        now = "hidden"
        for at, visibility in re.findall(r"([\d.]+)%\{visibility:(\w+)\}", steps[1]):
            if float(at) / 100 * float(whole) <= seconds + 1e-6:
                now = visibility
        if now == "hidden":
            hidden.add(name)
    lines = [
        "".join(group.itertext())
        for group in root.iterfind(f"{_SVG}g/{_SVG}g")
        if group.get("class") not in hidden
    ]
    return "\n".join(lines).replace("\xa0", " ")


async def test_each_moment_shows_its_own_frame() -> None:
    picture = script.animated(await frames("one", "three", "one"), "two words")
    assert [re.findall("one|three", shown(picture, at)) for at in (0, 2.9, 3.1, 7.9, 8.1)] == [
        ["one", "one"],
        ["one", "one"],
        ["three", "three"],
        ["three", "three"],
        ["one", "one"],
    ]
    assert all("it stays" in shown(picture, at) for at in (0, 3.1, 8.1))


async def test_where_nothing_moves_it_is_the_last_frame() -> None:
    picture = script.animated(await frames("one", "three"), "two words")
    still = ElementTree.fromstring(picture).iterfind(f"{_SVG}g/{_SVG}g")
    seen = "".join("".join(each.itertext()) for each in still if each.get("visibility") != "hidden")
    assert re.findall("one|three", seen) == ["three", "three"]
    assert "prefers-reduced-motion:no-preference" in picture


async def test_what_stays_is_drawn_once() -> None:
    picture = script.animated(await frames("a", "b", "c", "d"), "two words")
    assert picture.replace("\xa0", " ").count("it stays") == 1


async def test_it_fetches_nothing() -> None:
    picture = script.animated(await frames("a<b&c"), 'a "title" & more')
    assert built_site.read(picture).fetched == []
    assert "font-face" not in picture


@pytest.fixture(scope="module")
def committed() -> str:
    return Path(script.PICTURE).read_text("utf-8")


def test_the_picture_of_the_readme_is_small_and_fetches_nothing(committed: str) -> None:
    assert len(committed.encode()) < _MOST_BYTES
    assert built_site.read(committed).fetched == []
    assert script.PICTURE == ROOT / "docs" / "images" / "failover.svg"


def test_the_picture_of_the_readme_tells_the_story(committed: str) -> None:
    at = 0.0
    for moment in script.STORY:
        seen = shown(committed, at + 0.1)
        assert moment.caption in seen
        assert moment.shown in seen
        at += moment.seconds
