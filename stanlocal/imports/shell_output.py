"""The output of the commands with which scripts write files: `echo`, `printf`, `cat`, `envsubst`. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice

PRINTS = frozenset(("echo", "printf", "cat", "grep", "envsubst"))
"""Commands whose output is known where they come first."""
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{1,2}|0?[0-7]{1,3}|.)", re.DOTALL)
_OCTAL = re.compile(r"[0-7]+")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'", "a": "\a", "e": "\x1b"}
_DIRECTIVE = re.compile(r"%(?:(%)|[-+ #0]*[0-9]*(?:\.[0-9]+)?([a-zA-Z]))")
_REFERENCE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
_LONGEST = 1 << 18
"""Number of characters that a format or variables may come to."""
_COMMENTS = frozenset(("^#", "^ *#", r"^\s*#", "^[[:space:]]*#", "#"))
"""Patterns of `grep -v` that drop comments."""


def output(
    words: Sequence[str],
    given: str | None,
    environment: Mapping[str, str],
    read: Callable[[str], str | None],
) -> str | None:
    """Return what the command prints; None if only running it would tell.

    `given` is its input, `read` returns the text of a file.
    """
    name, *rest = words
    match name.rpartition("/")[2]:
        case "echo":
            return _echo(rest)
        case "printf" if rest:
            return _printf(rest[1:] if rest[0] == "--" else rest)
        case "cat":
            return _cat([word for word in rest if word == "-" or not word.startswith("-")], given, read)
        case "tee":
            return given
        case "envsubst":
            return None if given is None else _envsubst(given, rest, environment)
        case "xargs" if not rest:
            return None if given is None else f"{' '.join(given.split())}\n"
        case "grep":
            return _without_comments(rest, given, read)
    return None


def _echo(words: Sequence[str]) -> str:
    at = next((at for at, word in enumerate(words) if not re.fullmatch(r"-[neE]+", word)), len(words))
    options = "".join(words[:at])
    text = " ".join(words[at:])
    return (_unescaped(text) if "e" in options else text) + ("" if "n" in options else "\n")


def _printf(words: Sequence[str]) -> str | None:
    """Return the text: as in a shell, the format is used until all arguments are."""
    form, *arguments = words
    kinds = [match[2] for match in _DIRECTIVE.finditer(form) if match[2]]
    if not set(kinds) <= set("sdibuq"):
        return None
    rounds = -(-len(arguments) // len(kinds)) if kinds and arguments else 1
    if rounds * len(form) > _LONGEST:
        return None
    each = chain(arguments, iter(lambda: "", None))
    return "".join(_formatted(form, each) for _ in range(rounds))


def _formatted(form: str, arguments: Iterator[str]) -> str:
    parts: list[str] = []
    at = 0
    for match in _DIRECTIVE.finditer(form):
        parts.append(_unescaped(form[at : match.start()]))
        at = match.end()
        value = "%" if match[1] else next(islice(arguments, 1))
        parts.append(_unescaped(value) if match[2] == "b" else value)
    return "".join([*parts, _unescaped(form[at:])])


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_character, text)


def _character(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    if _OCTAL.fullmatch(code):
        return chr(int(code, 8) & 255)
    return _ESCAPES.get(code, match[0])


def _cat(names: Sequence[str], given: str | None, read: Callable[[str], str | None]) -> str | None:
    texts = [given if name == "-" else read(name) for name in names] or [given]
    return None if None in texts else "".join(text for text in texts if text is not None)


def _envsubst(text: str, words: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """Return the text with its variables; those that are unknown stay, for the report to name them."""
    chosen = {match[1] or match[2] for word in words for match in _REFERENCE.finditer(word)}
    left = _LONGEST

    def replaced(match: re.Match[str]) -> str:
        nonlocal left
        name = match[1] or match[2]
        value = environment.get(name, f"${name}") if not words or name in chosen else match[0]
        left -= len(value)
        return value if left >= 0 else ""

    result = _REFERENCE.sub(replaced, text)
    return result if left >= 0 else None


def _without_comments(
    words: Sequence[str], given: str | None, read: Callable[[str], str | None]
) -> str | None:
    options = [word for word in words if word.startswith("-")]
    pattern, *names = [word for word in words if not word.startswith("-")] or [""]
    text = _cat(names, given, read)
    if text is None or "v" not in "".join(options) or pattern not in _COMMENTS:
        return None
    return "".join(f"{line}\n" for line in text.splitlines() if not line.lstrip().startswith("#"))
