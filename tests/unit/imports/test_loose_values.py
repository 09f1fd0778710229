"""Values that the server takes although they look wrong, and those that it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from stanlocal.imports.reading import read
from tests.unit.imports.reading import CASES, FT, Write, problems, reported, values


@pytest.mark.parametrize(
    ("line", "name", "expected"),
    [
        ("max_payload: 0", "max_payload", 0),
        ("max_pending: 0", "max_pending", 0),
        ("max_control_line: 0", "max_control_line", 0),
        ("max_connections: -1", "max_connections", -1),
        ("max_conn: 0", "max_connections", 0),
        ("max_connections: -7", "max_connections", -7),
        ("max_subscriptions: -1", "max_subscriptions", -1),
        ("max_subs: 0", "max_subscriptions", 0),
        ("ping_max: -5", "ping_max", -5),
        ('ping_interval: "0"', "ping_interval", "0"),
        ('write_deadline: "0s"', "write_deadline", "0s"),
        ("ping_interval: 30", "ping_interval", "30s"),
        ("write_deadline: 5", "write_deadline", "5s"),
        ("connect_error_reports: -1", "connect_error_reports", -1),
        ("reconnect_error_reports: 0", "reconnect_error_reports", 0),
        ("max_traced_msg_len: -1", "max_traced_msg_len", -1),
    ],
)
def test_values_of_the_nats_server_that_it_accepts_are_taken(
    write: Write, line: str, name: str, expected: Any
) -> None:
    path = write("stan.conf", f"{line}\nstreaming {{ {FT} }}")
    assert values(path).nats == {name: expected}


@pytest.mark.parametrize(
    "line",
    [
        "max_payload: -1",
        "max_payload: 2GB",
        "max_pending: -1",
        "max_control_line: -1",
        "max_connections: 3",
        "max_sub_tokens: 0",
        'ping_interval: "-2s"',
        'write_deadline: "-1s"',
        'lame_duck_duration: "29s"',
        "lame_duck_grace_period: -5",
        "max_payload: 0\nmax_pending: 100",
    ],
)
def test_values_of_the_nats_server_that_it_refuses_are_refused(write: Write, line: str) -> None:
    assert problems(write("stan.conf", f"{line}\nstreaming {{ {FT} }}"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "hb_interval: 30",
            "is the number 30: the server refuses a configuration with a number there; write",
        ),
        ("limits { max_age: 3600 }", "is the number 3600: the server refuses a configuration with a number"),
        ("file { slice_max_age: -5 }", "is the number -5: the server refuses a configuration with a number"),
        ("limits { max_msgs: '5' }", "must be a whole number, not '5'"),
        ("limits { max_msgs: 1e+06 }", "must be a whole number, not '1e+06'"),
        ("limits { max_channels: -1 }", "is -1; give 0 or more"),
        ("partitioning: 1", "must be true or false, not 1"),
        ("id: true", "must be a string, not true"),
        ("id: 1.5", "must be a string, not 1.5"),
    ],
)
def test_values_of_the_streaming_server_that_it_refuses_are_refused(
    write: Write, line: str, expected: str
) -> None:
    path = write("stan.conf", f"streaming {{ {FT}, {line} }}")
    assert any(expected in problem for problem in problems(path))


def test_numbers_as_names_are_taken_and_the_servers_refusal_is_reported() -> None:
    path = CASES / "num.conf"
    found = values(path)
    assert (found.streaming["cluster_id"], found.streaming["ft_group_name"]) == ("2020", "7")
    assert found.nats["authorization"]["password"] == "1234"
    lines = reported(read(path, {}))
    assert sum("the server refuses a configuration with a number there" in line for line in lines) == 3
    assert not any("1234" in line for line in lines)


@pytest.mark.parametrize(
    ("line", "key", "expected"),
    [
        ("limits { max_age: 0 }", ("store_limits", "max_age"), "0s"),
        ('limits { max_bytes: "1gb" }', ("store_limits", "max_bytes"), 1 << 30),
        ("file { compact_fragmentation: 101 }", ("file_options", "compact_fragmentation"), 101),
    ],
)
def test_values_with_one_meaning_are_taken(
    write: Write, line: str, key: tuple[str, str], expected: Any
) -> None:
    found = values(write("stan.conf", f"streaming {{ {FT}, {line} }}"))
    assert found.streaming[key[0]][key[1]] == expected


def test_clustered_in_a_configuration_is_ignored_as_the_server_does() -> None:
    path = CASES / "clustered.conf"
    assert values(path).streaming["ft_group_name"] == "g"
    assert any(
        "clustered (true) left out: the server's configuration does not" in line
        for line in reported(read(path, {}))
    )


@pytest.mark.parametrize("name", ["clustered: yes", "Clustered: true", "clustered: false", "clustered: 5"])
def test_any_value_of_clustered_is_ignored(write: Write, name: str) -> None:
    assert values(write("stan.conf", f"streaming {{ {FT}, {name} }}")).streaming["ft_group_name"] == "g"
