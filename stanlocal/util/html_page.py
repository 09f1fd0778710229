"""HTML pages from templates; whatever is filled in is shown as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from stanlocal.util.printable import printable


def html_page(template: Path, filters: Mapping[str, Callable[..., Any]] | None = None, **values: Any) -> str:
    """Return the page of a template file of Jinja, with every name that it uses given.

    Text is escaped for HTML, and characters that are not printable are shown as escapes.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_escaped,
    )
    environment.filters |= filters or {}
    return environment.get_template(template.name).render(**values)


def _escaped(value: object) -> object:
    """Escape what is not printable in text: names and problems come from outside."""
    return printable(value, keep="\n\t") if type(value) is str else value
