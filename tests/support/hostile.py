"""Texts that are small or merely large, and that a careless reader would hang on, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

LARGE = 16 << 20
"""Characters of the largest text that any reader has to refuse, or to read, at once."""
FULL = 1 << 20
"""Characters of the largest YAML that is read at all."""
TOML_FULL = 1 << 17
"""Characters of the largest TOML that is read at all."""

Make = Callable[[], str]


def _filled(unit: str, size: int, head: str = "", tail: str = "") -> str:
    return head + unit * ((size - len(head) - len(tail)) // len(unit)) + tail


def _numbered(line: Callable[[int], str], size: int, head: str = "") -> str:
    def lines() -> Iterator[str]:
        left, number = size - len(head), 0
        while left > 0:
            text = line(number)
            left -= len(text)
            if left >= 0:
                yield text
            number += 1

    return head + "".join(lines())


def _chain(first: str, link: Callable[[int], str], length: int) -> str:
    return first + "".join(link(number) for number in range(1, length))


_CONF = "store: file\nft_group_name: g\n"

NATS: Mapping[str, Make] = {
    "doubling lists": lambda: _CONF + _chain("v0: [1 ]\n", lambda n: f"v{n}: [$v{n - 1}, $v{n - 1}]\n", 39),
    "doubling tables": lambda: (
        _CONF + _chain("v0: {a: 1}\n", lambda n: f"v{n}: {{a: $v{n - 1}, b: $v{n - 1}}}\n", 39)
    ),
    "doubling in streaming": lambda: (
        "streaming {\n"
        + _CONF
        + _chain("v0: [1 ]\n", lambda n: f"v{n}: [$v{n - 1}, $v{n - 1}]\n", 39)
        + "users: $v38\n}"
    ),
    "nesting through lists": lambda: _CONF + _chain("v0: [1 ]\n", lambda n: f"v{n}: [$v{n - 1}]\n", 9_000),
    "nesting through tables": lambda: (
        _CONF + _chain("v0: {a: 1}\n", lambda n: f"v{n}: {{a: $v{n - 1}}}\n", 9_000)
    ),
    "a large list in many places": lambda: (
        "v: [" + "1," * 8_000 + "1 ]\nw: [" + "$v," * 30_000 + "$v]\n" + _CONF
    ),
    "a long text in many places": lambda: f"v: '{'x' * 100_000}'\nw: [" + "$v," * 40_000 + "$v]\n" + _CONF,
    "the environment in many places": lambda: _CONF + "w: [" + "$LONG," * 40_000 + "1 ]\n",
    **{
        f"deep {name}": lambda unit=unit: _CONF + "a: " + unit * 100_000  # type: ignore[misc]
        for name, unit in {"lists": "[", "tables": "{a:", "blocks": "(\n", "both": "[{a:"}.items()
    },
    "one long word": lambda: _CONF + "a: " + "x" * 250_000,
    "one long name": lambda: _CONF + "x" * 250_000 + ": 1",
    "one long number": lambda: _CONF + "a: " + "1" * 250_000,
    "one long string": lambda: _CONF + "a: '" + "x" * 250_000 + "'",
    "one long float": lambda: _CONF + "a: " + "1" * 250_000 + ".5",
    "one long unit": lambda: _CONF + "a: 1k" + "b" * 250_000,
    "an address without an end": lambda: _CONF + "a: " + "1." * 120_000 + "x",
    "escapes": lambda: _CONF + 'a: "' + "\\x41" * 60_000 + '"',
    "escapes in words": lambda: _CONF + "a: " + "\\x41" * 60_000,
    "single quotes": lambda: _CONF + "a: " + "'" * 250_000,
    "comments": lambda: _CONF + "#\n" * 120_000,
    "slashes": lambda: _CONF + "a: 1 " + "/" * 250_000,
    "blank lines": lambda: _CONF + "\n" * 250_000,
    "carriage returns": lambda: _CONF + "\r" * 250_000,
    "blanks": lambda: _CONF + " " * 250_000 + "a: 1",
    "many numbers": lambda: _CONF + "a: [" + "1," * 120_000 + "1 ]",
    "as many numbers as can be": lambda: _CONF + "a: [" + "1," * 9_500 + "1 ]",
    "as many unknown names as can be": lambda: "".join(f"n{n}: 1\n" for n in range(9_500)) + _CONF,
    "as many near names as can be": lambda: "".join(f"max_pay{n}: 1\n" for n in range(9_000)) + _CONF,
    "as many limits as can be": lambda: (
        _CONF + "limits { mc: 0, channels {\n" + "".join(f"c{n}:{{mm:1}}\n" for n in range(4_900)) + "}}"
    ),
    "the same name": lambda: _CONF + "a:1\n" * 9_500,
    "nesting through includes": lambda: _CONF + "a: {" * 60 + "include 'deep'" + "}" * 60,
    "many lines": lambda: _CONF + "a:1\n" * 60_000,
    "many unknown names": lambda: _numbered(lambda n: f"n{n}: 1\n", 250_000, _CONF),
    "many near names": lambda: _numbered(lambda n: f"max_paylo{n}: 1\n", 250_000, _CONF),
    "many channels": lambda: _numbered(lambda n: f"c{n}:{{}}\n", 250_000, _CONF + "limits { channels {\n"),
    "many channels, whole": lambda: (
        _numbered(lambda n: f"c{n}:{{}}\n", 250_000, _CONF + "limits { channels {\n") + "}}"
    ),
    "many limits": lambda: (
        _numbered(lambda n: f"c{n}:{{mm:1}}\n", 250_000, _CONF + "limits { channels {\n") + "}}"
    ),
    "many empty tables": lambda: _CONF + "a: [" + "{}," * 80_000 + "{}]",
    "many routes": lambda: _CONF + "streaming {}\ncluster { routes: [" + "a," * 120_000 + "a] }",
    "includes": lambda: _CONF + "include 'a'\n" * 20_000,
    "open blocks": lambda: _CONF + "a: (\n" + ")x\n" * 80_000,
    "large": lambda: _filled("a: 1\n", LARGE),
    "large line": lambda: "a" * LARGE,
    "large lists": lambda: "a: " + "[" * LARGE,
}
"""Configurations of the NATS server."""

_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n"
_POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n"
_SERVER = "  - name: stan\n    image: nats-streaming\n"


def _laughs(first: str, link: Callable[[int], str], length: int, head: str = "") -> str:
    return head + f"a0: &a0 {first}\n" + "".join(link(number) for number in range(1, length))


YAML: Mapping[str, Make] = {
    "billion laughs": lambda: _laughs(
        "[x, x]", lambda n: f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n", 12, "stan: {}\n"
    ),
    "billion tables": lambda: _laughs(
        "{x: 1}",
        lambda n: f"a{n}: &a{n} {{" + ", ".join(f"k{i}: *a{n - 1}" for i in range(9)) + "}\n",
        12,
        "stan: {}\n",
    ),
    "nesting through aliases": lambda: _laughs(
        "[x]", lambda n: f"a{n}: &a{n} [*a{n - 1}]\n", 30_000, "stan: {}\n"
    ),
    "merges of merges": lambda: _laughs(
        "{x: 1}", lambda n: f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], y{n}: 1}}\n", 40, "stan: {}\n"
    ),
    "a chain of merges": lambda: _laughs(
        "{x: 1}", lambda n: f"a{n}: &a{n} {{<<: *a{n - 1}, y{n}: 1}}\n", 20_000, "stan: {}\n"
    ),
    "a large table merged often": lambda: (
        "stan: {}\na: &a {"
        + ", ".join(f"k{n}: 1" for n in range(40_000))
        + "}\nb: &b {x: 1}\nc: {<<: [*a, "
        + "*b, " * 40_000
        + "*b]}\n"
    ),
    "a block in many places": lambda: (
        _MAP
        + "data:\n  x: &x |\n"
        + "\n" * 350_000
        + "    y\n"
        + "".join(f"  k{n}: *x\n" for n in range(20_000))
    ),
    "a long block in many places": lambda: (
        _MAP
        + "data:\n  x: &x |\n    "
        + "y" * 300_000
        + "\n"
        + "".join(f"  k{n}.conf: *x\n" for n in range(20_000))
    ),
    "many blocks": lambda: _MAP + "data:\n" + _numbered(lambda n: f"  k{n}: |\n    x\n", FULL - 200),
    "blank blocks": lambda: (
        _MAP + "data:\n" + "".join(f"  k{n}: |\n" for n in range(30_000)) + "\n" * 500_000
    ),
    "a variable in the environment": lambda: (
        _POD
        + _SERVER
        + "    env:\n    - {name: A0, value: xxxxxxxxxx}\n"
        + "".join(f"    - {{name: A{n}, value: $(A{n - 1})$(A{n - 1})}}\n" for n in range(1, 40))
    ),
    "variables of variables": lambda: (
        _POD
        + _SERVER
        + "    env:\n"
        + f"    - {{name: A, value: {'x' * 100_000}}}\n"
        + "".join(f"    - {{name: B{n}, value: {'$(A)' * 100}}}\n" for n in range(1500))
    ),
    "itself": lambda: "stan: &a [*a]\n",
    "itself as a table": lambda: "stan: &a {b: *a}\n",
    "itself merged": lambda: "stan: &a {<<: *a}\n",
    "a list as a name": lambda: "? [a]\n: b\n",
    "a table as a name": lambda: "? {a: &b [*b]}\n: b\n",
    **{
        f"deep {name}": lambda unit=unit: "stan: " + unit * 200_000  # type: ignore[misc]
        for name, unit in {
            "lists": "[",
            "tables": "{a: ",
            "keys": "? ",
            "items": "- ",
            "both": "[{a: ",
            "closing": "]",
        }.items()
    },
    "deep indents": lambda: "".join(" " * n + f"k{n}:\n" for n in range(1400)),
    "items in one line": lambda: "- " * 500_000,
    "one long word": lambda: "stan: " + "x" * (FULL - 10),
    "one long name": lambda: "x" * (FULL - 10) + ": 1",
    "one long number": lambda: "stan: {replicas: 0x" + "f" * (FULL - 40) + "}",
    "one long decimal": lambda: "stan: {replicas: " + "9" * (FULL - 40) + "}",
    "one long sexagesimal": lambda: "stan: {replicas: " + "59:" * 300_000 + "1}",
    "one long float": lambda: "stan: {replicas: " + "9" * (FULL - 40) + ".5}",
    "many long numbers": lambda: "stan: [" + f"0x{'f' * 5000}, " * 200 + "]",
    "one long string": lambda: "stan: '" + "x" * (FULL - 10) + "'",
    "single quotes": lambda: "stan: '" + "''" * 500_000 + "'",
    "escapes": lambda: 'stan: "' + "\\x41" * 250_000 + '"',
    "folded": lambda: "stan: >\n" + "  a\n\n" * 200_000,
    "comments": lambda: "#\n" * 500_000,
    "blanks": lambda: " " * (FULL - 10),
    "tabs": lambda: "\t" * (FULL - 10),
    "tags": lambda: "stan: " + "!a " * 300_000,
    "tag directives": lambda: "".join(f"%TAG !a{n}! x\n" for n in range(60_000)) + "---\na: 1\n",
    "directives": lambda: "%A b\n" * 200_000 + "---\na: 1\n",
    "anchors": lambda: "".join(f"k{n}: &a{n} 1\n" for n in range(60_000)),
    "many documents": lambda: "---\nkind: A\n" * 80_000,
    "many empty documents": lambda: "---\n" * 250_000,
    "many objects": lambda: "".join(f"---\nkind: A{n}\nmetadata: {{name: a}}\n" for n in range(25_000)),
    "many servers": lambda: (_POD + _SERVER + "---\n") * 5_000,
    "many containers": lambda: _POD + _numbered(lambda n: f"  - {{name: c{n}, x: y}}\n", 900_000) + _SERVER,
    "many maps": lambda: (_MAP + "data: {a.conf: 'a: 1'}\n---\n") * 10_000,
    "many files in a map": lambda: _numbered(lambda n: f"  f{n}.conf: x\n", FULL - 200, _MAP + "data:\n"),
    "many arguments": lambda: _POD + _SERVER + "    args: [" + "-p, '1', " * 80_000 + "]\n",
    "many options": lambda: _POD + _SERVER + "    args: [" + "-mc, '1', " * 30_000 + "]\n",
    "many volumes": lambda: (
        _POD
        + _SERVER
        + "    args: [-sc, /x/a.conf]\n    volumeMounts:\n"
        + "    - {name: a, mountPath: /x}\n" * 8_000
        + "  volumes:\n"
        + "  - {name: a, configMap: {name: b}}\n" * 8_000
    ),
    "as many values as can be": lambda: "stan: {}\n" + "".join(f"k{n}: 1\n" for n in range(9_500)),
    "as many limits as can be": lambda: (
        "store:\n  limits:\n    max_channels: 0\n    channels:\n"
        + "".join(f"      c{n}: {{mm: 1}}\n" for n in range(4_900))
    ),
    "as many containers as can be": lambda: (
        _POD + "".join(f"  - {{name: c{n}, x: y}}\n" for n in range(3_200)) + _SERVER
    ),
    "as many files in a map as can be": lambda: (
        _MAP + "data:\n" + "".join(f"  f{n}: x\n" for n in range(9_500)) + "  a.conf: |\n    a: 1\n"
    ),
    "as many objects as can be": lambda: (
        "".join(f"---\nkind: A{n}\nmetadata: {{name: a}}\n" for n in range(2_400)) + "---\n" + _POD + _SERVER
    ),
    "as many numbers as can be": lambda: "stan: [" + "1," * 9_500 + "1]",
    "as many arguments as can be": lambda: _POD + _SERVER + "    args: [" + "-mc, '1', " * 4_900 + "]\n",
    "as many volumes as can be": lambda: (
        _POD
        + _SERVER
        + "    args: [-sc, /x/a.conf]\n    volumeMounts:\n"
        + "    - {name: a, mountPath: /x}\n" * 1_500
        + "  volumes:\n"
        + "  - {name: a, configMap: {name: b}}\n" * 1_250
    ),
    "as many blocks as can be": lambda: _MAP + "data:\n" + "".join(f"  k{n}: |\n\n" for n in range(9_000)),
    "many numbers": lambda: "stan: [" + "1," * 500_000 + "1]",
    "many values": lambda: _numbered(lambda n: f"k{n}: 1\n", FULL - 20, "stan: {}\n"),
    "many limits": lambda: (
        "store:\n  limits:\n    channels:\n" + _numbered(lambda n: f"      c{n}: {{mm: 1}}\n", 900_000)
    ),
    "a hostile configuration": lambda: (
        _MAP + "data:\n  stan.conf: |\n    " + NATS["doubling lists"]().replace("\n", "\n    ")
    ),
    "includes of each other": lambda: (
        _MAP
        + "data:\n  stan.conf: 'include a0'\n"
        + "".join(f'  a{n}: "include a{n + 1}\\ninclude a{n + 1}"\n' for n in range(40))
    ),
    "many includes": lambda: _MAP + "data:\n  a: ''\n  stan.conf: |\n" + "    include a\n" * 18_000,
    "large": lambda: _filled("a: 1\n", LARGE),
    "large line": lambda: "a" * LARGE,
    "large lists": lambda: "[" * LARGE,
}
"""Documents of Kubernetes and of the chart."""

TOML: Mapping[str, Make] = {
    "a long key": lambda: ".".join("a" * 50_000) + " = 1\n",
    "a full key": lambda: _filled("a.", TOML_FULL, tail="a = 1"),
    "a quoted key": lambda: '"a".' * 30_000 + '"a" = 1\n',
    "a spaced key": lambda: "a . " * 30_000 + "a = 1\n",
    "a long header": lambda: "[" + ".".join("a" * 64_000) + "]\n",
    "a long array header": lambda: "[[" + ".".join("a" * 64_000) + "]]\n",
    "a long inline key": lambda: "x = {" + ".".join("a" * 64_000) + " = 1}\n",
    "long keys": lambda: "".join(f"{'a.' * 60}a{n} = 1\n" for n in range(950)),
    "long headers": lambda: "".join(f"[{'a.' * 60}a{n}]\nb = 1\n" for n in range(950)),
    "long inline keys": lambda: "x = [" + f"{{{'a.' * 60}a = 1}}, " * 950 + "]\n",
    "as many dots as can be": lambda: "a." * 1_990 + "a = 1\n" + "[b]\n" * 20_000,
    "many dotted lines": lambda: "".join(f"{'a.' * 30}a{n} = 1\n" for n in range(1_900)),
    "array headers": lambda: "[[a]]\n" * 9_500,
    "headers under array headers": lambda: "[[a]]\n[a.b]\n" * 4_500,
    "deep lists": lambda: "a = " + "[" * 125_000,
    "deep tables": lambda: "a = " + "{a = " * 25_000,
    "deep lists, whole": lambda: "nats = " + "[" * 150 + "]" * 150,
    "closing": lambda: "]" * 125_000,
    "one long number": lambda: "nodes = 0x" + "f" * 125_000,
    "one long binary": lambda: "nodes = 0b" + "1" * 125_000,
    "one long decimal": lambda: "nodes = " + "9" * 125_000,
    "one long float": lambda: "nodes = " + "9" * 125_000 + ".5",
    "one long string": lambda: "group = '" + "x" * 125_000 + "'",
    "one long name": lambda: "x" * 125_000 + " = 1",
    "escapes": lambda: 'group = "' + "\\u0041" * 20_000 + '"',
    "escapes in lines": lambda: 'group = """' + "\\\n" * 62_500 + '"""',
    "quotes": lambda: "group = '''" + "''x" * 40_000 + "'''",
    "blank lines": lambda: "\n" * 125_000,
    "comments": lambda: "#\n" * 62_500,
    "blanks": lambda: " " * 125_000,
    "many numbers": lambda: "nats = [" + "1," * 62_500 + "]",
    "many near names": lambda: _numbered(lambda n: f"nats.max_paylo{n} = 1\n", 125_000),
    "many unknown names": lambda: _numbered(lambda n: f"n{n} = 1\n", 125_000),
    "many channels": lambda: _numbered(
        lambda n: f"c{n} = {{}}\n", 125_000, "[streaming.store_limits.channels]\n"
    ),
    "many bad channels": lambda: _numbered(
        lambda n: f"c{n} = 1\n", 125_000, "[streaming.store_limits.channels]\n"
    ),
    "many users": lambda: "nats.authorization.users = [" + "{user='a'}," * 4_500 + "]\n",
    "large": lambda: _filled("a = 1\n", LARGE),
    "large line": lambda: "a" * LARGE,
    "large lists": lambda: "a = " + "[" * LARGE,
}
"""Settings of stanlocal."""
