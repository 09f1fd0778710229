"""Text as it reaches a terminal and a pipe: escapes of others, own styles, tables."""

from __future__ import annotations

import ast
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal import cli
from stanlocal.cli import columns, printing, render
from stanlocal.util.printable import printable, width
from stanlocal.util.styled import Styled


class Terminal(io.TextIOWrapper):
    """Standard output on a terminal that takes these characters."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding, newline="")

    def isatty(self) -> bool:
        return True

    def told(self) -> str:
        self.seek(0)
        return self.read()


def on(stream: io.TextIOWrapper, print_it: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> str:
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", stream)
        patched.setenv("COLUMNS", "80")
        patched.setenv("TERM", "xterm")
        patched.delenv("NO_COLOR", raising=False)
        print_it()
    stream.seek(0)
    return stream.read()


def pipe(encoding: str = "utf-8") -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")


def unstyled(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


HOSTILE = "a\x1b[2J\x9b\u202e\u2066\u200b\u2028\n\r\t\x00\x7f\ud800é漢"
SHOWN = r"a\x1b[2J\x9b\u202e\u2066\u200b\u2028\n\r\t\x00\x7f\ud800é漢"


def test_on_a_terminal_others_escapes_are_shown_and_our_styles_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def print_it() -> None:
        printing.echo("name: ", Styled(HOSTILE, "bold red"))
        printing.page(f"{HOSTILE}\n")

    told = on(Terminal(), print_it, monkeypatch)
    assert told.splitlines()[0] == f"name: \x1b[31m\x1b[1m{SHOWN}\x1b[0m"
    assert printable(told, keep="\x1b\n\t") == told  # the page keeps its lines and tabs


def test_no_color_leaves_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def print_it() -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        printing.echo(Styled("healthy", "bold green"))

    assert on(Terminal(), print_it, monkeypatch) == "healthy\n"


def test_into_a_pipe_everything_is_written_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    text = HOSTILE.replace("\ud800", "")
    told = on(pipe(), lambda: printing.echo("name: ", Styled(text, "bold red")), monkeypatch)
    assert told == f"name: {text}\n"


@pytest.mark.parametrize("make", [Terminal, pipe])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_json_is_the_same_data_wherever_it_goes(
    make: Callable[[str], io.TextIOWrapper], encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = on(make(encoding), lambda: printing.print_json({"name": HOSTILE}, indent=2), monkeypatch)
    assert json.loads(told) == {"name": HOSTILE}
    if make is Terminal:
        assert told.replace("\n", "").isprintable()


@given(st.text())
def test_printable_text_stays_and_nothing_else_gets_through(text: str) -> None:
    assert printable(text).isprintable()
    assert printable(printable(text)) == printable(text)
    assert printable("".join(filter(str.isprintable, text))) == "".join(filter(str.isprintable, text))


@given(st.text())
def test_xml_can_hold_all_printable_text(text: str) -> None:
    element = Xml.Element("a")
    element.text = printable(text, keep="\n\t")
    assert Xml.fromstring(Xml.tostring(element, encoding="utf-8")).text in (
        element.text,
        element.text or None,
    )


def group(name: str, nodes: int) -> dict[str, object]:
    urls = [f"nats://127.0.0.1:{4222 + index}" for index in range(nodes)]
    return {
        "group": name,
        "state": "split-brain",
        "active": f"{name}-0",
        "nodes": [{}] * nodes,
        "client_urls": urls,
    }


def test_a_list_at_80_columns_cuts_no_name_and_folds_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [group("a-longer-name", 5), group("b", 1)]
    told = unstyled(on(Terminal(), lambda: render.groups(listed), monkeypatch))
    assert max(map(len, told.splitlines())) <= 80
    urls = [f"nats://127.0.0.1:{4222 + index}" for index in range(5)]
    for word in ("a-longer-name ", "split-brain ", "a-longer-name-0 ", *urls):
        assert word in told
    assert len(told.splitlines()) == 1 + 5 + 1


def test_a_list_in_a_pipe_is_one_line_a_group_and_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [group("a-group-of-a-long-name", 9), group("b", 1)]
    head, first, second = on(pipe(), lambda: render.groups(listed), monkeypatch).splitlines()
    assert head.split() == ["GROUP", "STATE", "ACTIVE", "NODES", "CLIENTS"]
    assert first.split()[-1].count(",") == 8
    assert second.split() == ["b", "split-brain", "b-0", "1", "nats://127.0.0.1:4222"]


def test_columns_are_aligned_by_the_cells_that_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [("漢字", 1, "x"), ("\x1b[2J", 22, ""), ("e\u0301", "", "y")]
    told = on(Terminal(), lambda: columns.show(("NAME", "N", "Z"), rows, right=(1,)), monkeypatch)
    _, wide, escaped, combined = told.splitlines()
    assert (wide, escaped, combined) == ("漢字      1  x", r"\x1b[2J  22", "e\u0301            y")
    assert width("漢字") == 4


def test_nothing_else_in_the_command_line_writes_to_the_terminal() -> None:
    """A way of its own would be one around the escapes."""
    forbidden = {"echo", "secho", "style", "confirm", "prompt", "echo_via_pager", "clear"}
    found = []
    for path in Path(cli.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Attribute(value=ast.Name(id="click"), attr=name) if name in forbidden:
                    found.append(f"{path.name}:{node.lineno} click.{name}")
                case ast.Attribute(
                    value=ast.Attribute(attr="stdout" | "stderr"), attr="write" | "writelines"
                ):
                    found.append(f"{path.name}:{node.lineno} write")
                case ast.Name(id="Console" | "print"):
                    found.append(f"{path.name}:{node.lineno} {node.id}")
    assert {where.partition(":")[0] for where in found} == {"printing.py"}, found
