"""The configuration format: what a text comes to, and where it goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.natsconf import ConfError, Limits, Missing, Place, parse, plain
from tests import seed
from tests.support import natsconf as independent
from tests.support.cost import processor_time_below


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1", {"a": 1}),
        ("a: 1", {"a": 1}),
        ("a 1", {"a": 1}),
        ("a=1;b=2,c=3\nd=4", {"a": 1, "b": 2, "c": 3, "d": 4}),
        ("# comment\na: 1 # more\nb: 2 // also\n", {"a": 1, "b": 2}),
        (
            "a: true\nb: YES\nc: on\nd: False\ne: no\nf: off",
            dict(zip("abcdef", [True] * 3 + [False] * 3, strict=True)),
        ),
        ("a: 2k\nb: 2kb\nc: 2Ki\nd: 2KiB", {"a": 2000, "b": 2048, "c": 2048, "d": 2048}),
        ("a: 3m\nb: 3mb\nc: 3g\nd: 3gb", {"a": 3_000_000, "b": 3 << 20, "c": 3_000_000_000, "d": 3 << 30}),
        (
            "a: 1t\nb: 1tb\nc: 1p\nd: 1pb\ne: 1e",
            {"a": 10**12, "b": 1 << 40, "c": 10**15, "d": 1 << 50, "e": 10**18},
        ),
        ("a: -5\nb: -5kb\nc: 1.25\nd: -0.5", {"a": -5, "b": -5120, "c": 1.25, "d": -0.5}),
        ("a: 5m", {"a": 5_000_000}),
        ("a: 1h\nb: 10s\nc: 250ms", {"a": "1h", "b": "10s", "c": "250ms"}),
        ("a: 127.0.0.1:4222\nb: 4222:x", {"a": "127.0.0.1:4222", "b": "4222:x"}),
        ("a: 2016-05-04T18:53:41Z", {"a": datetime(2016, 5, 4, 18, 53, 41, tzinfo=UTC)}),
        ("a: nats://h:6222\nb: a#b\nc: /etc/x", {"a": "nats://h:6222", "b": "a#b", "c": "/etc/x"}),
        ('a: "x\\ty\\n\\"z\\" \\\\ \\x41"', {"a": 'x\ty\n"z" \\ A'}),
        ('a: "\\xc3\\xa9"', {"a": "é"}),
        ("a: 'x\\ty'", {"a": "x\\ty"}),
        ("\"a b\": 1\n'c d' { e: 2 }", {"a b": 1, "c d": {"e": 2}}),
        ("a [\n  1\n  2, 3\n  # none\n  x // y\n]", {"a": [1, 2, 3, "x"]}),
        ("a []\nb {}", {"a": [], "b": {}}),
        ("a {b: 1, c: {d: [x, {e: 2}]}}", {"a": {"b": 1, "c": {"d": ["x", {"e": 2}]}}}),
        ("a\n{\n b:\n 1\n}", {"a": {"b": 1}}),
        ("a: (\nfirst )\n second\n)\nb: 1", {"a": "\nfirst )\n second\n", "b": 1}),
        ('{"a": 1, "b": {"c": [true, "x"]}}', {"a": 1, "b": {"c": [True, "x"]}}),
        ("p: 8222\na { q: $p, r: $q }", {"p": 8222, "a": {"q": 8222, "r": 8222}}),
        (
            "p: outer\na { p: inner, q: $p }\nb: $p",
            {"p": "outer", "a": {"p": "inner", "q": "inner"}, "b": "outer"},
        ),
        ("password: $2a$11$abcdefghijk", {"password": "$2a$11$abcdefghijk"}),
        ('a: "$HOME"', {"a": "$HOME"}),
        ("", {}),
        ("\r\na: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
    ],
)
def test_a_text_comes_to_what_the_server_has(text: str, expected: dict[str, Any]) -> None:
    assert plain(parse(text)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("5", 5),
        ("5mb", 5 << 20),
        ('"5"', "5"),
        ("yes", True),
        ("stan-0.stan", "stan-0.stan"),
        ("[a, b]", ["a", "b"]),
    ],
)
def test_a_variable_of_the_environment_is_read_as_configuration(value: str, expected: object) -> None:
    assert plain(parse("a: $X", environ={"X": value})) == {"a": expected}


def test_a_variable_that_is_nowhere_is_an_error_or_marked() -> None:
    with pytest.raises(ConfError, match=r"stan.conf:1:4: variable \$X is set neither here nor"):
        parse("a: $X")
    assert parse("a: $X", missing_ok=True)["a"].value == Missing("X")


def test_a_variable_of_the_environment_that_is_no_value_is_an_error_that_does_not_show_it() -> None:
    with pytest.raises(ConfError) as caught:
        parse("a: $X", environ={"X": '"s3cret'})
    assert "X holds no value" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("a {", "1:3", "closing '}'"),
        ("a {\n b: 1", "1:3", "closing '}'"),
        ("a [1\n", "1:3", "closing ']'"),
        ('a: "x', "1:4", 'closing "'),
        ("a: 'x", "1:4", "closing '"),
        ("a: (\nx", "1:4", "closing ')'"),
        ("ok: 1\n a: [1]", "2:6", "blank or a new line before ']'"),
        ("a: 5kbb", "1:4", "no unit 'kbb'"),
        ("a: 99999999999999999999", "1:4", "larger than the server can count"),
        ("a: 9999999999g", "1:4", "larger than the server can count"),
        ("a: 5.5mb", "1:4", "no number"),
        ("a: 2016-13-41T00:00:00Z", "1:4", "is no time"),
        ("a: 1-2", "1:4", "no number"),
        ("a: 5m10s", "1:4", "write a duration such as 5m10s in quotes"),
        ("/a: 1", "1:1", "where a name should be"),
        ("a: .5", "1:4", "begin with a digit"),
        ("a: -", "1:4", "no number"),
        ('a: "\\q"', "1:5", "there are no escapes but"),
        ('a: "\\xZZ"', "1:5", "two hexadecimal digits"),
        ('a: "\\xff"', "1:5", "not valid UTF-8"),
        ("a", "1:2", "'a' has no value"),
        ("a:\n", "1:3", "'a' has no value"),
        ("a { b }", "1:7", "'b' has no value"),
        ("= 1", "1:1", "where a name should be"),
        ("a { ] }", "1:5", "']' in a table"),
        ("a: [1,,2 ]", "1:7", "where an item of the list should be"),
        ("a: [x y]", "1:7", "separated by"),
        ("a: {b: 1 c: 2}", "1:10", "where a value should have ended"),
        ("a: 1 b: 2", "1:6", "where a value should have ended"),
        ("a: \0", "1:4", "NUL"),
        ("a: 1\nb: \udcff", "2:4", "a character that UTF-8 cannot encode (U+DCFF)"),
        ("include 7", "1:9", "the name of a file"),
    ],
)
def test_text_that_the_server_refuses_or_misreads_is_refused_with_its_place(
    text: str, place: str, reason: str
) -> None:
    with pytest.raises(ConfError) as caught:
        parse(text, "f.conf")
    assert str(caught.value).startswith(f"f.conf:{place}: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_each_name_knows_its_place() -> None:
    tree = parse("a: 1\n  b {\n    c: 2\n}", "f.conf")
    assert tree["a"].place == Place("f.conf", 1, 1)
    assert tree["b"].place == Place("f.conf", 2, 3)
    below = tree["b"].value
    assert isinstance(below, dict)
    assert below["c"].place == Place("f.conf", 3, 5)


def test_the_last_of_two_equal_names_counts_and_the_first_is_reported() -> None:
    told: list[str] = []
    assert plain(parse("a: 1\na: 2", said=lambda place, line: told.append(f"{place}: {line}"))) == {"a": 2}
    assert told == ["stan.conf:1:1: 'a' is given again at stan.conf:2:1; the last one counts"]


class Includes:
    """Files to be included, and which of them were asked for."""

    FILES: Mapping[str, str] = {
        "a.conf": "x: 1",
        "sub/b.conf": "include c.conf\ny: 2",
        "sub/c.conf": "z: 3",
        "self.conf": "include self.conf",
        "bad.conf": "ok: 1\nq: [",
        **{f"n{number}.conf": f"include n{number + 1}.conf" for number in range(20)},
    }

    def read(self, path: str) -> str:
        if path not in self.FILES:
            raise FileNotFoundError(2, "No such file or directory")
        return self.FILES[path]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("include a.conf", {"x": 1}),
        ("INCLUDE './a.conf'\nw: 0", {"x": 1, "w": 0}),
        ('include "sub/b.conf"', {"z": 3, "y": 2}),
        ("t { include 'a.conf' }", {"t": {"x": 1}}),
        ("t {\n include a.conf\n w: 1\n}", {"t": {"x": 1, "w": 1}}),
        ('"include": 5\ninclude: 6', {"include": 6}),
    ],
)
def test_an_included_file_stands_where_it_is_included(text: str, expected: dict[str, Any]) -> None:
    assert plain(parse(text, read_include=Includes().read)) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("include gone.conf", "f:1:1: include 'gone.conf' cannot be read: no such file or directory"),
        (
            "include ../../etc/passwd",
            "f:1:1: include '../../etc/passwd' leads out of the configuration's folder",
        ),
        ("include self.conf", "self.conf:1:1: include 'self.conf' includes itself"),
        ("include n0.conf", "n7.conf:1:1: more than 8 files include each other"),
        ("include bad.conf", "bad.conf:2:4: the list has no closing ']'"),
    ],
)
def test_an_include_that_cannot_be_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ConfError) as caught:
        parse(text, "f", read_include=Includes().read)
    assert str(caught.value) == reason


def test_files_that_include_each_other_many_times_are_bounded() -> None:
    """Each level includes the next twice: without a limit that is 2^8 files."""
    filler = f"#{'x' * 60_000}"
    levels = {f"n{at}": f"include n{at + 1}\ninclude n{at + 1}\n{filler}" for at in range(8)}
    with pytest.raises(ConfError, match="more than 262144 characters"):
        parse("include n0", read_include=levels.__getitem__)


@pytest.mark.parametrize("opening", ["[", "{a:"])
def test_nesting_is_bounded(opening: str) -> None:
    with pytest.raises(ConfError, match="nested too deeply"):
        parse("x: " + opening * 50_000)


def test_the_largest_text_is_read_in_seconds() -> None:
    values = Limits().values
    with processor_time_below(20):
        parse("a: 1\n" * values + "#\n" * (Limits().characters // 2 - 3 * values))


@given(st.text(alphabet=st.sampled_from("a1 \n\t{}[]()\"'\\#/=:,;$-.xkmbé\0"), max_size=60))
def test_any_text_is_read_or_refused_with_one_line(text: str) -> None:
    try:
        parse(text, read_include=Includes().read, environ={"a": "$a", "x": "["})
    except ConfError as error:
        refusal = error
    else:
        return
    assert "\n" not in str(refusal)
    assert refusal.place.line >= 1
    assert refusal.place.column >= 1


def test_the_guides_configuration_is_read() -> None:
    tree = plain(parse(seed.stan_conf(), environ={"CLUSTER_ADVERTISE": "stan-0.stan.default.svc"}))
    assert tree["http"] == 8222
    assert tree["cluster"] == {
        "port": 6222,
        "routes": [f"nats://stan-{index}.stan:6222" for index in range(3)],
        "cluster_advertise": "stan-0.stan.default.svc",
        "connect_retries": 10,
    }
    assert tree["streaming"]["store_limits"] == {
        "max_channels": 10,
        "max_msgs": 0,
        "max_bytes": 256 << 30,
        "max_age": "1h",
        "max_subs": 128,
    }


_NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name != "include")
_SCALARS = (
    st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
)
_TREES = st.dictionaries(
    _NAMES,
    st.recursive(
        _SCALARS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
        max_leaves=12,
    ),
    max_size=5,
)


@given(_TREES)
def test_stanlocals_output_is_read_back_here_and_by_an_independent_reader(tree: dict[str, Any]) -> None:
    from stanlocal.render.stan_conf import _entries  # the writer of any table

    text = "\n".join(_entries(tree, None, 0)) + "\n"
    assert plain(parse(text)) == independent.parse(text) == tree


def test_a_variable_that_is_no_utf8_is_named() -> None:
    with pytest.raises(ConfError, match="environment X holds no value: a character that UTF-8"):
        parse("a: $X", environ={"X": "\udcff"})
