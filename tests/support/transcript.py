"""Console blocks of pages, to be run: `python -m tests.support.transcript PAGE...` writes what they print.

The commands of a page are run in their order on a group of local processes, with state of their own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.binary import find_server
from tests.support.pages import ROOT

PAGES = ("docs/tutorial.md", "docs/reference/json.md")
COMPARED = (*PAGES, "README.md")
"""README.md shows them on Docker, and is written by hand."""
SHOWN_ONLY = (
    "pipx install",
    "scripts/",
    "stanlocal tui",
    "stanlocal drill",
    "stanlocal migrate",
    "stanlocal run",
)
"""Beginnings of commands that are shown and not run."""
_BLOCK = re.compile(r"(?<=^```console\n)(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
_MOVED = re.compile(r"^port \d+ is (?:taken|kept|another).*\n", re.MULTILINE)
"""What is said where another group has the usual ports."""
_ATTEMPTS = 8
"""Times that a group is brought up until its first node has won the lock; either may."""
_WIDTH = 110
_SAME = (
    (re.compile(r"\d\d:\d\d:\d\d(?:\.\d+)?"), "TIME"),
    (re.compile(r"[░▒▓█▪]+"), "BAR"),
    (re.compile(r"\d[\d,.]*"), "N"),
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r"\((?:docker|process)\)"), "(ENGINE)"),
)
"""What differs from one run to the next, and how it is spelt to be compared."""


@dataclass(frozen=True, slots=True)
class Said:
    """A command, and what it prints on both its outputs."""

    command: str
    output: str

    def __str__(self) -> str:
        return f"$ {self.command}\n{self.output}"


def shown(page: str) -> list[Said]:
    """The commands of a page with what it shows of their output."""
    return [said for block in _BLOCK.findall((ROOT / page).read_text("utf-8")) for said in _said(block)]


def _said(block: str) -> Iterator[Said]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield Said(command, output)


class Console:
    """A shell in a folder of its own, where `stanlocal` is the command that is tested."""

    def __init__(self, folder: Path, others: Mapping[str, str] | None = None) -> None:
        """Take the folder, and variables that count instead of the usual ones."""
        self.folder = folder
        others = others or {}
        (folder / "bin").mkdir()
        command = folder / "bin" / "stanlocal"
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m stanlocal "$@"\n')
        command.chmod(0o755)
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "STANLOCAL_ENGINE": "process",
            "HOME": str(folder),
            "XDG_STATE_HOME": str(folder / ".local" / "state"),
            "XDG_CONFIG_HOME": str(folder / ".config"),
            "TERM": "dumb",
            "COLUMNS": "100",
            "TZ": "UTC",
            **others,
            "PATH": f"{folder / 'bin'}:{others.get('PATH', os.environ['PATH'])}",
        }

    def run(self, command: str) -> Said:
        """Run a command of a page; its groups begin with the first node active, as pages show them."""
        for _ in range(_ATTEMPTS):
            said = self._run(command)
            if command != "stanlocal up" or "-0 is active" in said.output:
                break
            self._run("stanlocal down --purge --yes --timeout 0")
        return said

    def _run(self, command: str) -> Said:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=90,
        )
        return Said(command, _MOVED.sub("", done.stdout.replace(str(self.folder), "/home/me")))

    def end(self) -> None:
        """Leave nothing behind, whatever has failed."""
        self.run("stanlocal down --all --purge --yes --timeout 0")


def is_run(said: Said) -> bool:
    return not said.command.startswith(SHOWN_ONLY)


def differs(shown: Said, printed: Said) -> str | None:
    """Return how what a page shows differs from what was printed; None if only figures do."""
    if "--json" in shown.command:
        same = _fits(_documents(shown.output), _documents(printed.output))
    else:
        same = _same(shown) == _same(printed)
    return None if same else f"shown:\n{shown}\nprinted:\n{printed}"


def _same(said: Said) -> list[str]:
    """Lines that are the same in each run; how far a group has come when a command looks at it is not."""
    output = said.output.strip()
    for pattern, spelling in _SAME:
        output = pattern.sub(spelling, output)
    lines = [line.strip() for line in output.splitlines()]
    if said.command.startswith(("stanlocal kill", "stanlocal heal")):
        return lines[:1]
    if said.command == "stanlocal events":
        return [line for line in lines if line.split()[1] in ("fault", "heal", "failover")]
    return lines


def _documents(output: str) -> list[Any]:
    """The documents in an output: one over many lines, or one a line."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(output) and (begin := output.find("{", at)) >= 0:
        document, at = decoder.raw_decode(output, begin)
        found.append(document)
    return found


def _fits(one: Any, other: Any) -> bool:
    """Return whether names and types agree; null stands for what is not known, and fits everything."""
    if one is None or other is None:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_fits(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_fits, one, other))
    return _kind(one) is _kind(other)


def _kind(value: Any) -> type:
    return float if type(value) is int else type(value)


def pretty(value: Any, indent: str = "") -> str:
    """Return a document with a line for each part that fits on one."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(line) < _WIDTH or not value or not isinstance(value, dict | list):
        return line
    deeper = f"{indent}  "
    if isinstance(value, list):
        parts, ends = [pretty(each, deeper) for each in value], "[]"
    else:
        parts = [f"{json.dumps(name)}: {pretty(each, deeper)}" for name, each in value.items()]
        ends = "{}"
    return f"{ends[0]}\n{deeper}" + f",\n{deeper}".join(parts) + f"\n{indent}{ends[1]}"


def rewrite(page: str) -> None:
    """Write what the commands of the page print now."""
    with tempfile.TemporaryDirectory() as folder:
        console = Console(Path(folder))
        try:
            rewrite_with(console, page)
        finally:
            console.end()


def rewrite_with(console: Console, page: str) -> None:
    """Write what the commands of the page print in that console."""
    path = ROOT / page
    path.write_text(_BLOCK.sub(lambda block: _run(console, block[0]), path.read_text("utf-8")), "utf-8")


def _run(console: Console, block: str) -> str:
    text = ""
    for each in _said(block):
        said = console.run(each.command) if is_run(each) else each
        gap = "\n" if text and not text.splitlines()[-1].startswith("$ ") else ""
        text += f"{gap}$ {said.command}\n{_readable(said.output)}"
    return text


def _readable(output: str) -> str:
    """One document over many lines; several, and text, as they are."""
    first, _, rest = output.partition("\n")
    return f"{pretty(json.loads(first))}\n" if first.startswith("{") and not rest else output


if __name__ == "__main__":
    if server := find_server():
        os.environ["STANLOCAL_SERVER_BINARY"] = str(server)
    for name in sys.argv[1:] or PAGES:
        rewrite(name)
