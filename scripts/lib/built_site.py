"""Checks of a built site: every link leads somewhere in it, and no page fetches anything from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LINKS = frozenset({("a", "href"), ("area", "href")})
"""Elements that lead elsewhere when followed; every other address is fetched as the page is looked at."""
_FETCHING = frozenset({"src", "href", "srcset", "data", "poster", "background", "xlink:href"})
_NOT_FETCHED = frozenset({"canonical", "next", "prev", "alternate", "license", "author", "help", "search"})
_IN_STYLE = re.compile(r"""url\(\s*['"]?([^'")]+)|@import\s+['"]([^'"]+)""")


@dataclass(slots=True)
class Page:
    """A page of the site: its anchors, its links, and the addresses that it fetches."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        given = {name: value or "" for name, value in attrs}
        self.page.anchors.update(filter(None, (given.get("id"), given.get("name") if tag == "a" else None)))
        self.page.fetched += _in_style(given.get("style", ""))
        if tag == "link" and given.get("rel", "") in _NOT_FETCHED:
            return
        for name in _FETCHING & given.keys():
            if (tag, name) in _LINKS:
                self.page.links.append(given[name])
            elif name == "srcset":
                self.page.fetched += [each.split()[0] for each in given[name].split(",") if each.strip()]
            else:
                self.page.fetched.append(given[name])

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.page.fetched += _in_style(data)


def _in_style(style: str) -> list[str]:
    return [one or other for one, other in _IN_STYLE.findall(style)]


def read(html: str) -> Page:
    """Return what a page has."""
    reader = _Reader()
    reader.feed(html)
    return reader.page


def problems(site: Path) -> Iterator[str]:
    """One line for each link that leads nowhere, and for each address elsewhere that a page fetches."""
    site = site.resolve()
    pages = {path: read(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        name = path.relative_to(site)
        for address in page.links:
            if why := _leads_nowhere(address, path, site, pages):
                yield f"{name}: the link {address} {why}"
        for address in page.fetched:
            if _is_elsewhere(address):
                yield f"{name}: fetches {address}, which is not of the site"
            elif why := _leads_nowhere(address.partition("#")[0], path, site, pages):
                yield f"{name}: {address} {why}"
    for path in sorted(each for kind in ("css", "svg") for each in site.rglob(f"*.{kind}")):
        text = path.read_text(encoding="utf-8")
        fetched = [*_in_style(text), *(read(text).fetched if path.suffix == ".svg" else ())]
        for address in filter(_is_elsewhere, fetched):
            yield f"{path.relative_to(site)}: fetches {address}, which is not of the site"


def _is_elsewhere(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme in ("http", "https", "ftp")


def _leads_nowhere(address: str, at: Path, site: Path, pages: dict[Path, Page]) -> str | None:
    """Return why a link within the site leads nowhere; None if it leads somewhere, or elsewhere."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None
    if parts.path.startswith("/"):
        if at != site / "404.html":  # which is shown under any address
            return "fits only a site at the top of its host"
        target = site / unquote(parts.path.lstrip("/"))
    else:
        target = (at.parent / unquote(parts.path)).resolve() if parts.path else at
    if not target.is_relative_to(site):
        return "leaves the site"
    target = target / "index.html" if target.is_dir() else target
    if not target.is_file():
        return "leads to no file"
    if parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
        return "leads to no such anchor"
    return None
