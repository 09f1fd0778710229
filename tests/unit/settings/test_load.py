"""Layers come together: precedence, origins, all problems at once."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.errors import SettingsError
from stanlocal.settings import HIDDEN, Settings, host_files, resolve
from stanlocal.settings.layer import Layer
from tests.unit.settings.support import NOWHERE, problems, settle

LAYERS = ("flag", "environment", "file", "preset", "running", "default")


def write(folder: Path, text: str, name: str = "stanlocal.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_defaults_are_the_seeds_but_for_channels_age_and_nodes() -> None:
    settings = settle()
    assert (settings.group, settings.engine, settings.nodes) == ("stan", "auto", 2)
    assert settings.image == "nats-streaming:0.25.6"
    assert settings.streaming == {
        "cluster_id": "test-cluster",
        "ft_group_name": "test-cluster",
        "store": "file",
        "file_options": {
            "buffer_size": 32 * 1024**2,
            "sync_on_flush": False,
            "slice_max_bytes": 512 * 1024**2,
            "parallel_recovery": 64,
        },
        "store_limits": {
            "max_channels": 0,
            "max_msgs": 0,
            "max_bytes": 256 * 1024**3,
            "max_age": "0s",
            "max_subs": 128,
        },
    }
    assert settings.nats == {}
    assert set(settings.sources.values()) == {"default"}
    assert settings.warnings == ()


def test_preset_seed_has_the_seeds_nodes_channels_and_age() -> None:
    settings = settle(preset="seed")
    limits = settings.streaming["store_limits"]
    assert (settings.nodes, limits["max_channels"], limits["max_age"]) == (3, 10, "1h")
    assert settings.sources["nodes"] == "preset seed"
    assert settings.sources["streaming.store_limits.max_age"] == "preset seed"
    assert settings.sources["streaming.store_limits.max_bytes"] == "default"


@pytest.mark.parametrize("present", [set(c) for n in range(5) for c in itertools.combinations(LAYERS[:5], n)])
def test_the_first_layer_that_has_a_value_gives_it(present: set[str], tmp_path: Path) -> None:
    """flag > environment > file > preset > running group > default, whichever of them there are."""
    nodes = {"flag": 4, "environment": 5, "file": 6, "running": 7, "preset": 3, "default": 2}
    file = write(tmp_path, "nodes = 6\n") if "file" in present else None
    origins = {
        "flag": "flag --nodes",
        "environment": "environment STANLOCAL_NODES",
        "file": str(file),
        "running": "the running group",
        "preset": "preset seed",
        "default": "default",
    }
    settings = settle(
        {"STANLOCAL_NODES": "5"} if "environment" in present else {},
        start=tmp_path,
        existing={"nodes": 7} if "running" in present else None,
        nodes=4 if "flag" in present else None,
        preset="seed" if "preset" in present else None,
    )
    winner = next(layer for layer in LAYERS if layer in present or layer == "default")
    assert settings.nodes == nodes[winner]
    assert settings.sources["nodes"] == origins[winner]


def test_layers_add_up_below_tables(tmp_path: Path) -> None:
    """Options of one table may come from several layers; channels keep the rest of their limits."""
    write(tmp_path, '[streaming.store_limits.channels."foo.>"]\nmax_msgs = 5\nmax_age = "1h"\n')
    settings = settle(
        start=tmp_path, streaming={"store_limits": {"channels": {"foo.>": {"max_age": "2h"}, "bar": {}}}}
    )
    assert settings.streaming["store_limits"]["channels"] == {
        "foo.>": {"max_msgs": 5, "max_age": "2h"},
        "bar": {},
    }
    assert settings.sources['streaming.store_limits.channels."foo.>".max_msgs'] == str(
        tmp_path / "stanlocal.toml"
    )


def test_aliases_become_the_servers_first_name(tmp_path: Path) -> None:
    write(tmp_path, '[streaming]\ncid = "a"\nft_group = "b"\n[streaming.limits]\nmb = "1kb"\nMA = "5s"\n')
    streaming = settle(start=tmp_path).streaming
    assert (streaming["cluster_id"], streaming["ft_group_name"]) == ("a", "b")
    assert (streaming["store_limits"]["max_bytes"], streaming["store_limits"]["max_age"]) == (1024, "5s")


def test_all_problems_are_reported_at_once_each_with_its_place(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        nodez = 3
        port = "4222"
        image = "evil/image"
        [streaming]
        id = "a"
        cluster_id = "b"
        store = "MEMORY"
        dir = "/elsewhere"
        max_channels = 3
        [streaming.store_limits]
        max_age = 5
        max_msgs = -1
        [streaming.store_limits.channels."foo.>.bar"]
        max_msgs = 1
        [nats]
        max_payload = "4gb"
        jetstream = {}
        ping_interval = "5 minutes"
        tls = "yes"
        [nats.authorization]
        users = "all"
        """,
    )
    assert problems(
        {"STANLOCAL_GROUP": "Foo_Bar", "STANLOCAL_STREAMING__ENCRYPT": "maybe"}, start=tmp_path, nodes=0
    ) == (
        "flag --nodes is 0; give 1 to 64",
        "environment STANLOCAL_GROUP is 'Foo_Bar', which is not a group name: use a-z, 0-9 and '-', "
        "beginning and ending with a letter or digit",
        "environment STANLOCAL_STREAMING__ENCRYPT must be true or false, not 'maybe'",
        f"{path}: nodez is not a setting; did you mean nodes?",
        f"{path}: port must be a whole number, not '4222'",
        f"{path}: image would make something run, which a file that was found and not named cannot ask for; "
        "name the file with --config, or set STANLOCAL_IMAGE",
        f"{path}: streaming.cluster_id is given twice, as 'id' and as 'cluster_id'",
        f"{path}: streaming.store is 'MEMORY', which cannot be shared: a fault-tolerant group needs a store "
        "that outlives its active node",
        f"{path}: streaming.dir cannot be set: stanlocal mounts the store itself; "
        "set store_dir, the folder on the host",
        f"{path}: streaming.max_channels is not a setting; did you mean streaming.store_limits.max_channels?",
        f"{path}: streaming.store_limits.max_age must be a duration such as '10s' or '1h30m', not 5",
        f"{path}: streaming.store_limits.max_msgs is -1; give 0 or more",
        f'{path}: streaming.store_limits.channels."foo.>.bar" is not a channel name or pattern '
        "('>' stands last, no part between dots is empty)",
        f"{path}: nats.max_payload is '4gb'; give 1 to 2147483647",
        f"{path}: nats.jetstream cannot be set: the group is a NATS Streaming one; "
        "JetStream has no store here",
        f"{path}: nats.ping_interval is '5 minutes', which is not a duration such as 250ms, 10s, 5m or 1h30m",
        f"{path}: nats.tls must be a table, not 'yes'",
        f"{path}: nats.authorization.users must be a list of tables, not what was given",
    )


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ({"nodes": 65}, "flag --nodes is 65; give 1 to 64"),
        ({"nodes": True}, "flag --nodes must be a whole number, not true"),
        ({"nodes": 10**400}, "flag --nodes is a huge number; give 1 to 64"),
        ({"group": ""}, "flag --group is empty"),
        ({"group": "a" * 61}, "is too long for a group name: 61 characters, 60 at most"),
        ({"group": "-a"}, "is not a group name"),
        ({"group": "a.b"}, "is not a group name"),
        ({"engine": "podman"}, "flag --engine is 'podman', not auto or docker or process"),
        ({"port": 0}, "flag --port is 0; give 1 to 65535"),
        ({"port": 65536}, "flag --port is 65536; give 1 to 65535"),
        ({"store_size": "12kb"}, "flag --store-size is '12kb'; give 64kb or more"),
        ({"store_dir": "a\0b"}, "flag --store-dir is no path: it has a NUL character"),
        ({"image": "a b"}, "flag --image is 'a b', which is not an image reference"),
        ({"image": "--privileged"}, "which is not an image reference"),
        ({"preset": "sead"}, "flag --preset is 'sead', not seed"),
        ({"streaming": {"store": "sql"}}, "which is not run by stanlocal, though the server could"),
        ({"streaming": {"cluster": {"node_id": "a"}}}, "a Raft cluster too never becomes ready"),
        (
            {"streaming": {"clustered": True}},
            "argument streaming.clustered cannot be set: a server that is in",
        ),
        ({"streaming": {"cluster_id": "a\ud800"}}, "argument streaming.cluster_id is not valid UTF-8"),
        ({"streaming": {"password": 5}}, "streaming.password must be a string, not what was given"),
        ({"streaming": []}, "flag --streaming must be a table, not a list"),
        ({"nats": {"accounts": {"a\"'": {}}}}, "has a name that the server's configuration cannot spell"),
        ({"nats": {"accounts": {"a": 10**30}}}, "has a value that the server's configuration cannot spell"),
        ({"nats": {"authorization": {"timeout": float("nan")}}}, "must be a number, not nan"),
        ({"nats": {"server_tags": ["a", 1]}}, "must be a string or a list of strings; 1 is in it"),
    ],
)
def test_a_bad_value_is_refused_with_its_reason(flags: dict[str, Any], problem: str) -> None:
    (only,) = problems(**flags)
    assert problem in only


def test_one_node_is_allowed_with_a_warning() -> None:
    assert settle(nodes=1).warnings == ("nodes is 1: with a single node there is no failover",)


def test_sixty_characters_are_a_group_name_and_leave_room_for_the_index() -> None:
    assert len(settle(group="a" * 60, nodes=64).group + "-63") == 63


def test_paths_start_from_the_place_they_were_written_in(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    for file in (tmp_path / "home" / "cert.pem", tmp_path / "key.pem"):
        file.parent.mkdir(exist_ok=True)
        file.touch()
    file = write(
        tmp_path / "a", 'store_dir = "data"\n[nats.tls]\ncert_file = "~/cert.pem"\nkey_file = "../key.pem"\n'
    )
    environ = {"HOME": str(tmp_path / "home")}
    settings = settle(environ, start=folder, file=file)
    assert settings.store_dir == tmp_path / "a" / "data"
    assert host_files(settings.streaming, settings.nats) == {
        "nats.tls.cert_file": str(tmp_path / "home" / "cert.pem"),
        "nats.tls.key_file": str(tmp_path / "key.pem"),
    }
    assert settle(environ, start=folder, file=file, store_dir=Path("data")).store_dir == folder / "data"


def test_files_that_the_servers_must_read_have_to_be_there(tmp_path: Path) -> None:
    """A missing file, which would end every server with exit code 1, is reported among other problems."""
    tls = {"cert_file": "missing.pem", "ca_file": str(tmp_path)}
    assert problems(start=tmp_path, nodes=0, nats={"tls": tls}) == (
        "flag --nodes is 0; give 1 to 64",
        f"nats.tls.cert_file is {tmp_path / 'missing.pem'}, which is no file",
        f"nats.tls.ca_file is {tmp_path}, which is no file",
    )


def test_hidden_secrets_of_a_running_group_have_to_be_given() -> None:
    """A group is not written again without the secrets that it has: it would let in more than before."""
    existing = {
        "nodes": 3,
        "port": None,
        "streaming": {"password": HIDDEN, "username": "me"},
        "nats": {"authorization": {"users": [{"user": "me", "password": HIDDEN}]}},
    }
    assert problems(existing=existing) == (
        "the group has streaming.password, which is neither kept here nor given; set "
        "STANLOCAL_STREAMING__PASSWORD or STANLOCAL_STREAMING__PASSWORD_FILE",
        "the group has nats.authorization.users, which is neither kept here nor given; set it in the "
        "configuration file",
    )
    users = [{"user": "me", "password": "p"}]
    given = settle(existing=existing, streaming={"password": "new"}, nats={"authorization": {"users": users}})
    assert given.streaming["password"] == "new"
    assert given.nats == {"authorization": {"users": users}}
    assert given.nodes == 3


@pytest.mark.parametrize(
    "existing",
    [
        {"user": "me", "password": "p"},
        {"user": "me", "password": HIDDEN},
        {"users": [{"user": "me", "password": HIDDEN}]},
    ],
)
def test_logins_of_another_kind_replace_those_of_a_running_group(existing: dict[str, Any]) -> None:
    given = settle(
        {"STANLOCAL_NATS__AUTHORIZATION__TOKEN": "t"}, existing={"nats": {"authorization": existing}}
    )
    assert given.nats == {"authorization": {"token": "t"}}


def test_encrypted_group_is_not_started_without_its_key() -> None:
    """An encrypted store would be served as it is, unreadable."""
    existing = {"streaming": {"encryption_key": HIDDEN}}
    (problem,) = problems(existing=existing)
    assert "STANLOCAL_STREAMING__ENCRYPTION_KEY_FILE" in problem
    assert settle({"STANLOCAL_STREAMING__ENCRYPTION_KEY": "k"}, existing=existing).warnings == ()


def test_secrets_are_in_no_repr() -> None:
    settings = settle(streaming={"username": "me", "password": "hunter2"})
    layer = Layer("flag", {"streaming": {"password": "hunter2"}})
    assert "hunter2" not in repr(settings) + repr(layer)


@pytest.mark.parametrize("name", ["image", "server_binary"])
def test_settings_that_run_programs_count_from_flag_environment_and_named_file_only(
    name: str, tmp_path: Path
) -> None:
    path = write(tmp_path, f'{name} = "/evil"\n' if name == "server_binary" else f'{name} = "evil"\n')
    flags: dict[str, Any] = {name: "good"}
    assert getattr(settle(**flags), name)
    assert getattr(settle({f"STANLOCAL_{name.upper()}": "good"}), name)
    assert str(getattr(settle(file=path), name)).endswith("evil")
    assert getattr(settle(existing={name: "good"}), name)
    (problem,) = problems(start=tmp_path)
    assert problem.startswith(f"{path}: {name} would make something run")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('store_dir = "data"', "store_dir"),
        ('streaming.nats_server_url = "nats://evil:4222"', "streaming.nats_server_url"),
        ('streaming.ns = "nats://evil:4222"', "streaming.nats_server_url"),
    ],
)
def test_settings_that_reach_elsewhere_count_from_a_named_file_and_not_from_a_found_one(
    tmp_path: Path, line: str, name: str
) -> None:
    path = write(tmp_path, line)
    assert settle(file=path).sources[name] == str(path)
    (problem,) = problems(start=tmp_path)
    variable = f"STANLOCAL_{name.upper().replace('.', '__')}"
    assert problem.startswith(f"{path}: {name} would ")
    assert problem.endswith(f"name the file with --config, or set {variable}")


def test_an_archive_script_from_a_found_file_is_refused_under_every_name(tmp_path: Path) -> None:
    for name in ("slice_archive_script", "slice_archive", "slice_script", "SLICE_SCRIPT"):
        write(tmp_path, f'[streaming.file]\n{name} = "evil.sh"\n')
        (problem,) = problems(start=tmp_path)
        assert "streaming.file_options.slice_archive_script would make something run" in problem


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    ["group", "nodes", "store_size", "port", "streaming", "nats", "preset", "store_dir", "id", "store_limits"]
)
trees = st.recursive(
    st.dictionaries(names, values, max_size=4), lambda inner: st.dictionaries(names, inner, max_size=3)
)


def outcome(tree: dict[str, Any]) -> Settings | tuple[str, ...]:
    try:
        return resolve([Layer("flag", tree, base=NOWHERE)])
    except SettingsError as error:
        return error.problems


@given(trees)
def test_any_values_give_settings_or_problems_of_one_line(tree: dict[str, Any]) -> None:
    """Hostile values raise nothing but `SettingsError`, and no message breaks a line."""
    came_of_it = outcome(tree)
    if not isinstance(came_of_it, Settings):
        assert came_of_it
        assert all(line.isprintable() for line in came_of_it)
