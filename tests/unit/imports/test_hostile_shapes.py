"""Scripts, units and templates made to hang their reader: each is read or refused at once, in one line."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from stanlocal.errors import SettingsError
from stanlocal.imports.reading import read
from stanlocal.settings import resolve
from tests.support.cost import processor_time_below
from tests.support.effort import inputs

pytestmark = pytest.mark.huge

_SERVER = "nats-streaming-server -st file -ft_group g"
_ALMOST = 250_000
"""Number of characters that a script may have, nearly."""
_LARGEST = 1_000_000
_LONGEST_LINE = 2_500


def filled(unit: str, size: int, before: str = "", after: str = "") -> str:
    return before + unit * ((size - len(before) - len(after)) // len(unit)) + after


SCRIPTS = {
    "quotes": filled('"\'"\'"', _ALMOST, f"{_SERVER}\n"),
    "open": filled("$(", _ALMOST, f"{_SERVER} "),
    "braces": filled("${A:-", _ALMOST, f"{_SERVER} "),
    "brackets": filled("$(x)", _ALMOST, f"{_SERVER} "),
    "backslashes": filled("\\\n", _ALMOST, f"{_SERVER} "),
    "words": filled("a ", _ALMOST, f"{_SERVER} "),
    "flags": filled("-cid a ", _ALMOST, f"{_SERVER} "),
    "wrappers": filled("sudo ", _ALMOST, f"{_SERVER}\n"),
    "assignments": filled("A=b ", _ALMOST, f"{_SERVER}\n"),
    "docker": filled("-e A=b ", _ALMOST, f"{_SERVER}\ndocker run ", " nats-streaming -st file"),
    "servers": filled(f"{_SERVER}\n", _ALMOST),
    "loops": "#!/bin/sh\n" + "for i in {1..9}; do " * 30 + _SERVER + "; done" * 30,
    "large loops": filled("x", _ALMOST, f"{_SERVER}\nfor i in {{1..999}}; do A=", "; done"),
    "doubling": f"A=xx\nfor i in {{1..99}}; do A=$A$A; done\n{_SERVER}\n",
    "functions": "#!/bin/sh\nf() { g; g; }\ng() { f; f; }\nf\n" + _SERVER,
    "nested": "#!/bin/sh\n" + filled("( ", _ALMOST),
    "documents": filled("<<A ", _ALMOST, f"{_SERVER}\ncat "),
    "document": filled("$A", _ALMOST, "A=xxxxxxxx\ncat > f <<E\n", f"\nE\n{_SERVER} -sc f\n"),
    "cases": filled("case x in ", _ALMOST, f"{_SERVER}\n"),
    "operators": filled(";&|<>", _ALMOST, f"{_SERVER}\n"),
    "arrays": filled("a ", _ALMOST, f"{_SERVER}\nA=(", ')\nfor i in {1..99}; do A+=("${A[@]}"); done'),
    "arguments": f'{_SERVER}\nset -- {"a " * 1_000}\nfor i in {{1..99}}; do set -- "$@" "$@"; done\n',
    "printf": f"#!/bin/sh\nprintf '{'%s' + 'x' * 100_000}' {'a ' * 9_000} > f\n{_SERVER} -sc f\n",
    "appended": filled("cat f f f f >> f\n", _ALMOST, "#!/bin/sh\necho x > f\n", f"{_SERVER}\n"),
    "substituted": "#!/bin/sh\nf() { echo $(f)$(f); }\n" + filled("A=$(f)\n", 50_000) + _SERVER,
    "inputs": filled("sh <<E\n", _ALMOST, f"#!/bin/sh\n{_SERVER}\n"),
    "written units": filled("echo '[Service]' > $i.service\n", 200_000, "#!/bin/sh\n"),
    "shells": f"{_SERVER}\n" + "sh -c '" * 1 + filled("eval ", _ALMOST - 100) + "'",
    "too large": filled(f"{_SERVER}\n", _LARGEST),
    "shebang": filled("x\n", _LARGEST, "#!/bin/sh\n"),
    "folders": f"{_SERVER}\ncd $(cd {'&' * 200_000})\n",
}
UNITS = {
    "lines": filled("A=b\n", _LARGEST, "[Service]\n"),
    "continued": filled("\\\n", _LARGEST, f"[Service]\nExecStart={_SERVER} "),
    "words": filled("a ", _LARGEST, f"[Service]\nExecStart=/usr/bin/{_SERVER} "),
    "variables": filled(
        "${A}", _LARGEST, f"[Service]\nEnvironment=A={'x' * 5_000}\nExecStart=/usr/bin/{_SERVER} "
    ),
    "quotes": filled("'\"", _LARGEST, f"[Service]\nExecStart=/usr/bin/{_SERVER} "),
    "environment": filled("A=b ", _LARGEST, "[Service]\nEnvironment="),
    "specifiers": filled("%i", _LARGEST, f"[Service]\nExecStart=/usr/bin/{_SERVER} -cid "),
    "sections": filled("[Service]\n", _LARGEST),
    "comments": filled("# \n", _LARGEST),
    "blanks": filled(" ", 9_000, "[Kube]\n"),
    "names": filled("Yaml=", _LARGEST, "[Kube]\nYaml="),
    "quadlets": filled("Volume=/a:/b\n", 100_000, "[Container]\nImage=nats-streaming\n", "Exec=-st file\n"),
}
_PROGRAM = f"[program:a]\ncommand={_SERVER}"
SUPERVISORS = {
    "programs": filled("[program:a]\ncommand=x\n", _LARGEST, f"{_PROGRAM}\n"),
    "processes": filled(f"[program:a%s]\ncommand={'x ' * 2_000}\nnumprocs=9999\n", _LARGEST, f"{_PROGRAM}\n"),
    "environment": filled("A", _LARGEST, f"{_PROGRAM}\nenvironment="),
    "pairs": filled("A=b,", _LARGEST, f"{_PROGRAM}\nenvironment="),
    "quotes": filled("A='\"", _LARGEST, f"{_PROGRAM}\nenvironment="),
    "expansions": filled("%(program_name)09d", _LARGEST, f"{_PROGRAM} "),
    "marks": filled("%(x)s", _LARGEST, f"{_PROGRAM} "),
    "continued": filled(" a\n", _LARGEST, f"{_PROGRAM}\n"),
    "comments": filled(" ;", _LARGEST, f"{_PROGRAM} "),
    "included": filled("*.ini ", _LARGEST, "[include]\nfiles="),
}


@pytest.mark.parametrize("name", SUPERVISORS)
def test_hostile_programs_are_read_or_refused_at_once(tmp_path: Path, name: str) -> None:
    at_once(tmp_path / "supervisord.conf", SUPERVISORS[name])


@pytest.mark.parametrize("name", SCRIPTS)
def test_hostile_scripts_are_read_or_refused_at_once(tmp_path: Path, name: str) -> None:
    at_once(tmp_path / "run.sh", SCRIPTS[name])


@pytest.mark.parametrize("name", UNITS)
def test_hostile_units_are_read_or_refused_at_once(tmp_path: Path, name: str) -> None:
    at_once(tmp_path / "stan.service", UNITS[name])


def at_once(path: Path, text: str) -> None:
    path.write_text(text)
    with processor_time_below(1):
        try:
            resolve([read(path, {}).layer])
            problems: tuple[str, ...] = ()
        except SettingsError as error:
            problems = tuple(error.problems)
    assert all("\n" not in problem and len(problem) < _LONGEST_LINE for problem in problems)


@pytest.mark.parametrize("name", ["a.sh", "a.service", "compose.yaml"])
def test_sixteen_megabytes_are_refused_at_once(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"nats-streaming-server -st file\n" * (16 << 20 >> 5))
    with processor_time_below(1):
        for source in (path, tmp_path):
            with pytest.raises(SettingsError):
                read(source, {})


_PARTS = st.sampled_from(
    ["nats-streaming-server", " -sc ", "$A", "${A", "}", "'", '"', "`", "$(", ")", "<<E\n", "\nE\n", ""
";", "&&", "for i in ", "do ",
     "done", "case ", "esac", "f() {", "if ", "\\", "\n", "[Service]\n", "ExecStart=", "services:", "\n  "
"a: {", "image: ", " -"]
)  # fmt: skip


@given(st.lists(_PARTS, max_size=30).map("".join), st.sampled_from(["a.sh", "a.service", "c.yaml"]))
@examples(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=inputs(150), deadline=None
)
def test_any_text_is_read_or_refused(tmp_path: Path, text: str, name: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with suppress(SettingsError):
        resolve([read(path, {"A": "x y"}).layer])
