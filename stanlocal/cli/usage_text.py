"""Usage errors of click in the words of stanlocal: one line with the value and the next step."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import click

_RULES: Sequence[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = (
    (re.compile(r"is not a valid integer( range)?"), "is not a whole number"),
    (re.compile(r"is not a valid float( range)?"), "is not a number"),
    (re.compile(r"(\S+) is not in the range (\S+?)\.?$"), lambda found: _out_of_range(found[1], found[2])),
    (re.compile(r"(?i)^no such option:? '?([^'\s.]+)'?\. \(?Did you mean (?:one of: )?(.*?)\??\)?\??$"),
     lambda found: f"no option '{found[1]}'; did you mean {_or(found[2])}?"),
    (re.compile(r"(?i)^no such option:? '?([^'\s.]+)'?\.?$"), r"no option '\1'"),
    (re.compile(r"(?i)^no such command '(.*?)'\. Did you mean '?(.*?)'?\?$"),
     r"no command '\1'; did you mean '\2'?"),
    (re.compile(r"(?i)^no such command '(.*?)'\.?$"), r"no command '\1'"),
    (re.compile(r"(?i)^missing option '(.*?)'(?: \(.*\))?\. Choose from:\s*(.*)$", re.DOTALL),
     lambda found: f"missing option '{found[1]}'; give one of {_list(found[2])}"),
    (re.compile(r"^(Invalid value): "), "invalid value: "),
)  # fmt: skip
"""Beginnings or parts of click's messages, and what they become; the first match of each counts."""
_TARGETS = "name nodes, such as stan-0, 0, @active, @standby or @all"


def usage_text(error: click.ClickException) -> str:
    """Return the message of a usage error on one line, without a full stop at its end."""
    text = error.format_message()
    for pattern, plain in _RULES:
        text = pattern.sub(plain, text)
    if isinstance(error, click.MissingParameter) and "TARGET" in text:
        text = f"{text.rstrip('.')}; {_TARGETS}"
    text = " ".join(text.split()).rstrip(".")
    return f"{text[:1].lower()}{text[1:]}"


def _out_of_range(value: str, bounds: str) -> str:
    """Return what is wrong with a value, from click's own `x>=1` or `1<=x<=5`."""
    found = re.fullmatch(r"(?:(\S+?)(<=?))?x(?:(>=?|<=?)(\S+))?", bounds)
    if found is None:
        return f"{value} is not in the range {bounds}"
    least, most = found[1], found[4]
    if least is not None and most is not None:
        return f"{value} is out of range; give {least} to {most}"
    if found[3] in (">=", "<="):
        return f"{value} is out of range; give {most} or {'more' if found[3] == '>=' else 'less'}"
    return f"{value} is out of range; give {'more' if found[3] == '>' else 'less'} than {most}"


def _or(options: str) -> str:
    return " or ".join(each.strip(" '") for each in options.split(","))


def _list(choices: str) -> str:
    return ", ".join(each.strip() for each in choices.split(","))
