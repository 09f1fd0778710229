"""A node's stan.conf: every element of the seed's, and nothing in a value that could break out of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.errors import SettingsError
from stanlocal.model.placement import plan_group
from stanlocal.model.plan import STORE_DIR, GroupPlan, Listen, NodePlan
from stanlocal.render.stan_conf import address, quote, quote_key, render
from stanlocal.settings import Settings, load
from tests.support.natsconf import parse

PORTS = [(4222, 8222), (4223, 8223), (4299, 8224)]


def settle(**given: Any) -> Settings:
    return load(given, {}, None, Path("/"))


def plan(settings: Settings, group: str = "stan") -> GroupPlan:
    return plan_group(
        group=group,
        image=settings.image,
        ports=PORTS,
        store_dir="/store",
        state_dir="/state",
        user="1:1",
        streaming=settings.streaming,
        nats=settings.nats,
    )


def read(settings: Settings, node: int = 0) -> dict[str, Any]:
    group = plan(settings)
    return parse(render(group, group.nodes[node]))


def test_every_element_of_the_seeds_configmap_is_there() -> None:
    """Every element has the seed's values, names and, in a container, addresses."""
    conf = read(settle(preset="seed"))
    assert conf["http"] == "0.0.0.0:8222"
    assert conf["cluster"]["port"] == 6222
    assert conf["cluster"]["routes"] == [f"nats://stan-{i}.stan:6222" for i in range(3)]
    assert conf["cluster"]["cluster_advertise"] == "stan-0.stan:6222"
    assert conf["cluster"]["connect_retries"] == 10
    assert conf["streaming"] == {
        "id": "test-cluster",
        "store": "file",
        "dir": "/data/stan/store",
        "ft_group_name": "test-cluster",
        "file_options": {
            "buffer_size": 32 * 1024**2,
            "sync_on_flush": False,
            "slice_max_bytes": 512 * 1024**2,
            "parallel_recovery": 64,
        },
        "store_limits": {
            "max_channels": 10,
            "max_msgs": 0,
            "max_bytes": 256 * 1024**3,
            "max_age": "1h",
            "max_subs": 128,
        },
    }


def test_sizes_and_durations_are_written_as_the_seed_does() -> None:
    text = render(*with_node(settle(preset="seed")))
    for line in ("buffer_size: 32mb", "slice_max_bytes: 512mb", "max_bytes: 256gb", 'max_age: "1h"'):
        assert f" {line}\n" in text


def test_each_node_has_its_own_name_and_addresses_and_the_same_routes() -> None:
    settings = settle()
    confs = [read(settings, node) for node in range(3)]
    assert [conf["server_name"] for conf in confs] == ["stan-0", "stan-1", "stan-2"]
    assert [conf["client_advertise"] for conf in confs] == [f"127.0.0.1:{client}" for client, _ in PORTS]
    assert [conf["cluster"].pop("cluster_advertise") for conf in confs] == [
        f"stan-{i}.stan:6222" for i in range(3)
    ]
    assert confs[0]["cluster"] == confs[1]["cluster"] == confs[2]["cluster"]
    assert confs[0]["cluster"]["name"] == "stan"


def test_a_local_process_listens_where_its_plan_says_and_sees_the_hosts_store() -> None:
    group, _ = with_node(settle())
    node = NodePlan("stan-0", 0, 4222, 8222, "127.0.0.1", Listen("127.0.0.1", 4222, 6333, 8222))
    conf = parse(render(replace(group, nodes=(node,)), node, store_dir="/home/me/my store"))
    assert (conf["listen"], conf["http"]) == ("127.0.0.1:4222", "127.0.0.1:8222")
    assert (conf["cluster"]["host"], conf["cluster"]["port"]) == ("127.0.0.1", 6333)
    assert conf["cluster"]["routes"] == ["nats://127.0.0.1:6333"]
    assert conf["streaming"]["dir"] == "/home/me/my store"


def test_users_options_stand_beside_ours() -> None:
    conf = read(
        settle(
            streaming={
                "hb_interval": "5s",
                "store_limits": {"channels": {"a.>": {"max_bytes": "1gb"}, "b": {}}},
            },
            nats={
                "max_payload": "8mb",
                "ping_interval": "5m",
                "authorization": {"user": "u", "password": "$PATH", "timeout": 0.5},
                "mappings": {"a": [{"destination": "b", "weight": "50%"}]},
                "server_tags": "one",
            },
        )
    )
    assert conf["streaming"]["hb_interval"] == "5s"
    assert conf["streaming"]["store_limits"]["channels"] == {"a.>": {"max_bytes": 1024**3}, "b": {}}
    assert conf["max_payload"] == 8 * 1024**2
    assert conf["ping_interval"] == "5m"
    assert conf["authorization"] == {"user": "u", "password": "$PATH", "timeout": 0.5}
    assert conf["mappings"] == {"a": [{"destination": "b", "weight": "50%"}]}
    assert conf["server_tags"] == ["one"]


def test_equal_settings_give_equal_text_in_any_order() -> None:
    one = settle(nats={"max_payload": 5, "debug": True}, streaming={"secure": True, "hb_interval": "5s"})
    two = settle(nats={"debug": True, "max_payload": 5}, streaming={"hb_interval": "5s", "secure": True})
    assert render(*with_node(one)) == render(*with_node(two))


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("", '""'),
        ("plain", '"plain"'),
        ("$HOME", '"$HOME"'),
        ('a"b', r'"a\"b"'),
        ("a\\nb", r'"a\\nb"'),
        ("a\nb\r\t", r'"a\nb\r\t"'),
        ("\0\x1b[2J", r'"\x00\x1b[2J"'),
        ("\u202e", r'"\xe2\x80\xae"'),
        ("日本", '"日本"'),
    ],
)
def test_strings_are_quoted(text: str, literal: str) -> None:
    assert quote(text) == literal


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("max_age", "max_age"),
        ("foo.>", '"foo.>"'),
        ("include", '"include"'),
        ('a"b', "'a\"b'"),
        ("$A", '"$A"'),
        ("", '""'),
        ("5m", '"5m"'),
    ],
)
def test_names_are_quoted_where_they_need_it(key: str, written: str) -> None:
    assert quote_key(key) == written


@pytest.mark.parametrize("key", ["a\"b'c", "a\0b", "a\x1bb", "a\nb", "a\ud800"])
def test_a_name_that_the_language_cannot_spell_is_refused(key: str) -> None:
    with pytest.raises(SettingsError, match="cannot be a name in the server's configuration"):
        quote_key(key)


def test_text_without_a_utf8_form_is_refused_and_not_shown() -> None:
    with pytest.raises(SettingsError, match="not valid UTF-8") as caught:
        quote("hunter2\udcff")
    assert "hunter2" not in str(caught.value)


def test_an_ipv6_address_gets_its_brackets() -> None:
    assert (address("::1", 4222), address("127.0.0.1", 4222)) == ("[::1]:4222", "127.0.0.1:4222")


texts = st.text(st.characters(exclude_categories=["Cs"]))
numbers = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
names = texts.filter(lambda name: name.isprintable() and not {'"', "'"} <= set(name))
scalars = texts | numbers | st.booleans()
structures = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@given(texts)
def test_the_server_reads_any_string_as_it_was(text: str) -> None:
    literal = quote(text)
    assert parse(f"key: {literal}\n") == {"key": text}
    assert literal.isprintable()


@given(st.dictionaries(names, structures, max_size=4))
def test_the_server_reads_any_structure_as_it_was(structure: dict[str, Any]) -> None:
    """A value or a name cannot end its string early."""
    group, node = with_node(settle())
    conf = parse(render(replace(group, nats={"accounts": structure}), node))
    assert conf["accounts"] == structure
    assert conf["streaming"]["dir"] == STORE_DIR


@given(texts, texts)
def test_names_of_a_hostile_plan_cannot_break_out(name: str, group: str) -> None:
    """Plans come back from labels, so even the names in comments are written as literals."""
    base, node = with_node(settle())
    conf = parse(render(replace(base, group=group), replace(node, name=name)))
    assert (conf["server_name"], conf["cluster"]["name"]) == (name, group)


def with_node(settings: Settings) -> tuple[GroupPlan, NodePlan]:
    group = plan(settings)
    return group, group.nodes[0]
