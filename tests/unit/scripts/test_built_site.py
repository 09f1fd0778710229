"""Checks of the built documentation: links that lead nowhere, and what a page fetches from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.scripts import load_script

checks = load_script("lib/built_site.py")


def problems(folder: Path, **pages: str) -> list[str]:
    """Return the problems of a site of these pages."""
    for name, html in pages.items():
        (folder / f"{name}.html").write_text(html)
    return [*checks.problems(folder)]


def test_links_within_the_site_lead_somewhere(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "index.html").write_text('<a href="../a.html#here">up</a>')
    (tmp_path / "a.svg").write_text("<svg></svg>")
    html = '<h1 id="here"></h1><a href="sub/">s</a><a href="#here">h</a><img src="a.svg"><a href="https://x.test/">x</a>'
    assert problems(tmp_path, a=html) == []


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ('<a href="b.html">b</a>', "a.html: the link b.html leads to no file"),
        ('<a href="#there">t</a>', "a.html: the link #there leads to no such anchor"),
        ('<a href="../b.html">b</a>', "a.html: the link ../b.html leaves the site"),
        ('<a href="/a.html">a</a>', "a.html: the link /a.html fits only a site at the top of its host"),
        ('<img src="b.png">', "a.html: b.png leads to no file"),
    ],
)
def test_a_link_that_leads_nowhere_is_named(html: str, said: str, tmp_path: Path) -> None:
    assert problems(tmp_path, a=html) == [said]


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://x.test/a"></script>',
        '<link rel="stylesheet" href="//x.test/a">',
        '<link rel="preconnect" href="https://x.test/a">',
        '<img srcset="https://x.test/a 2x">',
        '<object data="https://x.test/a"></object>',
        '<p style="background: url(https://x.test/a)">p</p>',
        "<style>@import 'https://x.test/a';</style>",
        "<style>@font-face { src: url(https://x.test/a) }</style>",
    ],
)
def test_whatever_a_page_fetches_from_elsewhere_is_named(html: str, tmp_path: Path) -> None:
    [said] = problems(tmp_path, a=html)
    assert said.startswith("a.html: fetches ")
    assert said.endswith("x.test/a, which is not of the site")


def test_style_sheets_and_pictures_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("p { background: url('https://x.test/a') }")
    (tmp_path / "b.svg").write_text('<svg><image href="https://x.test/b"/></svg>')
    assert problems(tmp_path) == [
        "a.css: fetches https://x.test/a, which is not of the site",
        "b.svg: fetches https://x.test/b, which is not of the site",
    ]


def test_the_page_of_a_wrong_address_is_shown_under_any(tmp_path: Path) -> None:
    (tmp_path / "404.html").write_text('<a href="/a.html">a</a><a href="/b.html">b</a>')
    assert problems(tmp_path, a="") == ["404.html: the link /b.html leads to no file"]
