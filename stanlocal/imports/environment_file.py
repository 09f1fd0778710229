"""Files of variables, `NAME=value` lines: `env_file` of Compose, `EnvironmentFile=` of systemd. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(.*)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_COMMENT = re.compile(r"\s#.*")


def read_environment_file(text: str, expand: Callable[[str], str] = str) -> dict[str, str]:
    """Return the variables of the text; lines that set none are skipped, the last value of each counts.

    `expand` fills in the variables of each value that is not in single quotes.
    """
    variables: dict[str, str] = {}
    for line in text.replace("\\\n", " ").splitlines():
        if match := _LINE.fullmatch(line.strip()):
            value = unquoted(match[2])
            variables[match[1]] = value if match[2].startswith("'") else expand(value)
    return variables


def unquoted(value: str) -> str:
    """Return the value without its quotes, or up to a comment."""
    quote = value[:1]
    if quote in ("'", '"'):
        end = value.find(quote, 1)
        while end > 0 and quote == '"' and value[end - 1] == "\\":
            end = value.find(quote, end + 1)
        if end > 0:
            content = value[1:end]
            if quote == "'":
                return content
            return re.sub(r"\\(.)", lambda each: _ESCAPES.get(each[1], each[1]), content)
    return _COMMENT.split(value, maxsplit=1)[0].strip()
