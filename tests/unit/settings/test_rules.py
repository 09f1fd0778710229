"""Settings that are fine alone and wrong together."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.settings.support import problems, settle

LOGIN = {"username": "me", "password": "pw"}
USERS = [{"user": "me", "password": "pw"}, {"user": "you", "password": "pw"}]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (
            {"port": 65534, "nodes": 2},
            "port 65534 leaves no room for 2 nodes: give 65533 or less",
        ),
        ({"streaming": {"partitioning": True}}, "streaming.partitioning needs channels"),
        ({"streaming": {"encrypt": True}}, "streaming.encrypt needs streaming.encryption_key"),
        (
            {"streaming": {"store_limits": {"max_channels": 1, "channels": {"a": {}, "b": {}, "c.*": {}}}}},
            "names 2 channels, more than max_channels (1)",
        ),
        ({"streaming": {"password": "pw"}}, "streaming.password needs streaming.username"),
        ({"nats": {"max_payload": "2mb", "max_pending": "1mb"}}, "max_payload (2mb) is more than"),
        ({"nats": {"max_payload": "65mb"}}, "max_payload (65mb) is more than nats.max_pending (64mb)"),
        ({"nats": {"lame_duck_grace_period": "2m"}}, "grace_period (2m) is not less than"),
        (
            {"secure": True, "streaming": {"nats_server_url": "nats://h:1"}},
            "secure does not go with streaming.nats_server_url",
        ),
        ({"secure": True, "nats": {"allow_non_tls": True}}, "secure does not go with nats.allow_non_tls"),
        ({"secure": True, "nats": {"tls": {"insecure": True}}}, "does not go with nats.tls.insecure"),
        (
            {"nats": {"trace": True, "authorization": {"token": "t"}}},
            "nats.trace would write nats.authorization.token into the logs",
        ),
        (
            {"nats": {"trace_verbose": True, "authorization": {"user": "u", "password": "a,b"}}},
            "nats.trace would write a part of a password into the logs",
        ),
        ({"secure": True, "nats": {"no_auth_user": "me"}}, "secure does not go with nats.no_auth_user"),
        ({"secure": True, "nats": {"tls": {"verify_and_map": True}}}, "not go with nats.tls.verify_and_map"),
        (
            {"secure": True, "nats": {"cluster": {"tls": {"ca_file": __file__}}}},
            "leave out nats.cluster.tls.ca_file, or secure",
        ),
        (
            {"nats": {"cluster": {"name": "x"}}},
            "nats.cluster.name cannot be set: stanlocal writes the routes",
        ),
        ({"nats": {"cluster": {"authorization": {"user": "x"}}}}, "cannot be set: stanlocal gives"),
        ({"secure": True, "nats": {"tls": {"ca_file": __file__}}}, "leave out nats.tls.ca_file, or secure"),
        (
            {"secure": True, "streaming": {"tls": {"client_cert": __file__}}},
            "leave out streaming.tls.client_cert, or secure",
        ),
        ({"secure": True, "streaming": {"secure": False}}, "with streaming.secure = false"),
        ({"nats": {"authorization": {"users": USERS}}}, "the streaming server needs a login of its own"),
        (
            {"nats": {"accounts": {"A": {"users": USERS}}}},
            "the streaming server needs a login of its own",
        ),
        (
            {"streaming": {"username": "him"}, "nats": {"authorization": {"users": USERS}}},
            "streaming.username 'him' is none of nats.authorization.users",
        ),
        (
            {"streaming": LOGIN, "nats": {"authorization": {"users": [*USERS, USERS[0]]}}},
            "nats.authorization.users names a user twice",
        ),
        (
            {"streaming": LOGIN, "nats": {"authorization": {"users": [*USERS, {"password": "x"}]}}},
            "has an entry without a user",
        ),
        (
            {"streaming": LOGIN, "nats": {"authorization": {"users": [*USERS, {"user": "x", "nkey": "U"}]}}},
            "has an entry with both an nkey and a user or password",
        ),
        (
            {"nats": {"authorization": {"user": "a", "token": "t"}}},
            "nats.authorization takes one of user, token and users, not user and token",
        ),
        ({"nats": {"authorization": {"password": "p"}}}, "nats.authorization.password needs"),
    ],
)
def test_conflicting_settings_are_refused(given: dict[str, Any], problem: str) -> None:
    (only,) = problems(**given)
    assert problem in only


@pytest.mark.parametrize(
    "given",
    [
        {"port": 65533, "nodes": 2},
        {"streaming": {"partitioning": True, "store_limits": {"channels": {"a": {}}}}},
        {"streaming": {"encrypt": True, "encryption_key": "k"}},
        {"streaming": {"store_limits": {"max_channels": 0, "channels": {"a": {}, "b": {}}}}},
        {"streaming": {"store_limits": {"max_channels": 1, "channels": {"a": {}, "b.>": {}}}}},
        {"streaming": LOGIN, "nats": {"authorization": {"users": USERS}}},
        {"nats": {"no_auth_user": "me", "authorization": {"users": USERS}}},
        {"nats": {"authorization": {"user": "a", "password": "b"}}},
        {"nats": {"authorization": {"token": "t"}}},
        {"nats": {"accounts": ["A", "B"]}},
        {"nats": {"max_payload": "64mb"}},
    ],
)
def test_compatible_settings_are_accepted(given: dict[str, Any]) -> None:
    assert settle(**given).warnings == ()
