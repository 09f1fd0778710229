"""Command lines of the server: read as its own flag parser reads them."""

from __future__ import annotations

import shlex

import pytest

from stanlocal.imports.flags import lay_over, split
from stanlocal.imports.import_result import Found
from stanlocal.natsconf import Place, Table, parse, plain
from stanlocal.settings.layer import leaves
from tests.support.cost import processor_time_below
from tests.support.server_flags import ACCEPTED, EVERY_FLAG, REFUSED

_HERE = Place("run.sh", 1, 1)


def laid_over(arguments: str, conf: str = "") -> tuple[Table, Found]:
    """The configuration that comes of the arguments, over that of a file."""
    found = Found()
    flags = split([(word, _HERE) for word in shlex.split(arguments)], found)
    return lay_over(parse(conf), flags, found), found


@pytest.mark.parametrize("arguments", [*ACCEPTED, EVERY_FLAG])
def test_a_command_line_that_the_server_starts_with_has_no_problem(arguments: str) -> None:
    _, found = laid_over(arguments)
    assert found.problems == []


@pytest.mark.parametrize("arguments", REFUSED)
def test_a_command_line_that_the_server_refuses_is_one_problem(arguments: str) -> None:
    _, found = laid_over(arguments)
    assert len(found.problems) == 1
    assert "would not start" in found.problems[0]


@pytest.mark.parametrize(
    ("arguments", "conf", "expected"),
    [
        ("-mm 0x10 -mb 5kb", "", "streaming.store_limits.max_msgs=16 streaming.store_limits.max_bytes=5120"),
        ("-SDV -SD=false", "", "streaming.stan_debug=True streaming.stan_trace=True"),
        ("-DV=F -V", "", "debug=False trace=False"),
        ("-cid a --cluster_id=b", "", "streaming.cluster_id=b"),
        ("-cid b", "streaming { id: a }", "streaming.cluster_id=b"),
        ("-mm 7", "store: file\nlimits { mm: 5, mc: 1 }", "store=file limits.mc=1 limits.max_msgs=7"),
        ("-encryption_key k", "", "streaming.encryption_key=k streaming.encrypt=True"),
        (
            "-encryption_key k",
            "streaming { encryption_key: f }",
            "streaming.encryption_key=f streaming.encrypt=True",
        ),
        ("-routes nats://a:1,nats://b:1", "", "cluster.routes=['nats://a:1', 'nats://b:1']"),
        ("-cluster nats://c:1", "cluster { port: 1 }", "cluster.port=1 cluster.listen=nats://c:1"),
        ("-user u -pass p", "", "authorization.user=u authorization.password=p"),
        ("-auth t", "authorization { token: x }", "authorization.token=t"),
        ("-n one -p 0x10", "", "server_name=one port=16"),
        ("-file_sync=0", "streaming { file {} }", "streaming.file.sync_on_flush=False"),
    ],
)
def test_flags_count_more_than_the_file(arguments: str, conf: str, expected: str) -> None:
    conf_after, found = laid_over(arguments, conf)
    merged = [f"{'.'.join(key)}={value}" for key, value in leaves(plain(conf_after))]
    assert (" ".join(merged), found.problems) == (expected, [])


@pytest.mark.parametrize("value", ["", "=true", "=T", "=1"])
def test_a_raft_cluster_by_flag_is_refused(value: str) -> None:
    _, found = laid_over(f"-clustered{value}")
    assert "this is a Raft cluster" in found.problems[0]


def test_a_switch_with_a_value_of_its_own_says_how_it_is_written() -> None:
    _, found = laid_over("-encrypt true -cid x")
    assert found.problems[0].endswith("a switch takes its value as -encrypt=true")


@pytest.mark.parametrize("name", ["-v", "--help", "-sl stop", "-t"])
def test_a_server_that_only_answers_is_refused(name: str) -> None:
    _, found = laid_over(name)
    assert "it does not run" in found.problems[0]


def test_thousands_of_flags_over_a_large_file_take_no_time() -> None:
    conf = "streaming {" + "".join(f"x{number}: 1\n" for number in range(9_000)) + "}"
    with processor_time_below(1):
        merged, _ = laid_over("-cid a " * 9_000, conf)
    assert plain(merged["streaming"].value)["cluster_id"] == "a"
