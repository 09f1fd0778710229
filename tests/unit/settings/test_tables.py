"""The tables of options: complete, consistent, helpful about misspelt names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stanlocal.settings.nats import NATS
from stanlocal.settings.schema import Kind, Option, Table
from stanlocal.settings.streaming import STREAMING
from stanlocal.settings.tool_options import SETTINGS
from tests.unit.settings import server_names

ONLY_FLAGS = {"clustered", "io_batch_size", "io_sleep_time", "file_truncate_bad_eof"}
"""Options known only to explain why they cannot be set; the server's configuration lacks them."""


def below(table: Table, *path: str) -> Table:
    option = table.at(path)
    assert option is not None
    assert option.table is not None
    return option.table


def all_tables(table: Table = SETTINGS) -> Iterator[Table]:
    yield table
    for option in table.options:
        if option.table is not None:
            yield from all_tables(option.table)


@pytest.mark.parametrize(
    ("table", "recorded"),
    [
        pytest.param(STREAMING, server_names.STREAMING | ONLY_FLAGS, id="streaming"),
        pytest.param(below(STREAMING, "tls"), server_names.STREAMING_TLS, id="streaming.tls"),
        pytest.param(below(STREAMING, "file_options"), server_names.FILE_OPTIONS, id="file_options"),
        pytest.param(below(STREAMING, "store_limits"), server_names.STORE_LIMITS, id="store_limits"),
        pytest.param(
            below(STREAMING, "store_limits", "channels"), server_names.CHANNEL_LIMITS, id="channels"
        ),
        pytest.param(NATS, server_names.NATS, id="nats"),
        pytest.param(below(NATS, "authorization"), server_names.NATS_AUTHORIZATION, id="authorization"),
        pytest.param(below(NATS, "authorization", "users"), server_names.NATS_USER, id="users"),
        pytest.param(below(NATS, "tls"), server_names.NATS_TLS, id="nats.tls"),
    ],
)
def test_table_knows_every_name_of_the_server_and_no_other(table: Table, recorded: frozenset[str]) -> None:
    assert {name for option in table.options for name in option.names} == recorded


def test_no_name_means_two_options() -> None:
    for table in all_tables():
        names = [name for option in table.options for name in option.names]
        assert len(names) == len(set(names))


def test_every_option_is_documented_or_says_why_it_cannot_be_set() -> None:
    for _path, option in SETTINGS.walk():
        assert option.doc or option.refused, option.name


def test_tables_have_a_shape_and_choices_have_words() -> None:
    for _path, option in SETTINGS.walk():
        nested = option.kind in (Kind.TABLE, Kind.TABLES, Kind.MAP)
        assert nested == (option.table is not None), option.name
        assert (option.kind is Kind.CHOICE) == bool(option.choices), option.name


def test_names_are_found_in_any_case() -> None:
    assert STREAMING.find("Cluster_ID") is STREAMING.find("cid")


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (("nodes",), "nodes"),
        (("streaming", "id"), "cluster_id"),
        (("streaming", "store_limits", "channels", "foo.>", "ma"), "max_age"),
        (("streaming", "store_limits", "channels", "foo.>"), "channels"),
        (("streaming", "nothing"), None),
        (("streaming", "cluster_id", "deeper"), None),
    ],
)
def test_a_whole_path_leads_to_its_option(key: tuple[str, ...], name: str | None) -> None:
    option = SETTINGS.at(key)
    assert (option.name if option else None) == name


@pytest.mark.parametrize(
    ("table", "misspelt", "meant"),
    [
        (SETTINGS, "nodez", "nodes"),
        (SETTINGS, "cluster_id", "streaming.cluster_id"),
        (STREAMING, "max_channels", "store_limits.max_channels"),
        (STREAMING, "hb_intervall", "hb_interval"),
        (NATS, "ping_intervall", "ping_interval"),
        (NATS, "zzzzzz", None),
    ],
)
def test_nearest_name_is_looked_for_here_and_below(table: Table, misspelt: str, meant: str | None) -> None:
    assert table.nearest(misspelt) == meant


def test_options_that_cannot_be_set_are_never_suggested() -> None:
    table = Table((Option("port", Kind.INTEGER, "", refused="no"), Option("token", Kind.STRING, "")))
    assert table.nearest("prot") is None
