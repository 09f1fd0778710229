"""The login of a group's own clients, from its settings."""

from __future__ import annotations

from typing import Any

import pytest

from stanlocal.access.login import Access, NoLogin, TlsFiles, access_of

SERVER = {"cluster_id": "c"}
ALL = {"publish": ["_STAN.>", "_INBOX.>"], "subscribe": ["_STAN.>", "_INBOX.>"]}
FEW = {"publish": ["orders.>"], "subscribe": ["_INBOX.>"]}


@pytest.mark.parametrize(
    ("streaming", "nats", "expected"),
    [
        ({}, {}, Access()),
        ({}, {"authorization": {"user": "u", "password": "p"}}, Access(user="u", password="p")),
        ({}, {"authorization": {"user": "u"}}, Access(user="u", password="")),
        ({}, {"authorization": {"token": "t"}}, Access(token="t")),
        (
            {"username": "stan", "password": "s"},
            {"authorization": {"users": [{"user": "a", "password": "b"}, {"user": "stan", "password": "s"}]}},
            Access(user="stan", password="s"),
        ),
        (
            {"username": "stan", "password": "s"},
            {
                "authorization": {
                    "users": [
                        {"user": "stan", "password": "s", "permissions": FEW},
                        {"user": "a", "password": "b", "permissions": ALL},
                    ]
                }
            },
            Access(user="a", password="b"),
        ),
        (
            {"username": "stan", "password": "s"},
            {"authorization": {"users": [{"user": "stan", "password": "$2a$11$abc"}]}},
            Access(user="stan", password="s"),
        ),
        (
            {"nkey_seed_file": "/seed"},
            {"authorization": {"users": [{"nkey": "UABC"}]}},
            Access(nkey_seed="/seed"),
        ),
        (
            {"username": "stan", "password": "s"},
            {
                "accounts": {
                    "OTHER": {"users": [{"user": "o", "password": "o"}]},
                    "STAN": {"users": [{"user": "stan", "password": "s"}]},
                }
            },
            Access(user="stan", password="s"),
        ),
        (
            {},
            {"authorization": {"users": [{"user": "a", "password": "b"}]}, "no_auth_user": "a"},
            Access(),
        ),
        ({"nats_server_url": "nats://u:p@host:4222"}, {}, Access(user="u", password="p")),
        ({"nats_server_url": "nats://u%40x:p%2Fw%3A@host:4222"}, {}, Access(user="u@x", password="p/w:")),
        ({"nats_server_url": "nats://tok@host:4222,nats://b:1"}, {}, Access(token="tok")),
        (
            {"nats_server_url": "nats://host:4222", "username": "u", "password": "p"},
            {"authorization": {"token": "of the nodes"}},
            Access(user="u", password="p"),
        ),
        (
            {"nats_server_url": "nats://host:4222", "credentials": "/c", "secure": True},
            {},
            Access(credentials="/c", tls=TlsFiles()),
        ),
        (
            {"tls": {"client_cert": "/c", "client_key": "/k"}},
            {"tls": {"cert_file": "/s", "key_file": "/sk", "verify": True}},
            Access(tls=TlsFiles("/trusted", "/c", "/k", "name")),
        ),
    ],
)
def test_login_is_the_one_that_the_settings_let_in(
    streaming: dict[str, Any], nats: dict[str, Any], expected: Access
) -> None:
    found = access_of({**SERVER, **streaming}, nats, trusted="/trusted", server_name="name")
    assert found == expected


@pytest.mark.parametrize(
    "rules",
    [
        {"user": "u", "password": "$2a$11$abc"},
        {"token": "$2a$11$abc"},
        {"users": [{"user": "u", "password": "$2a$11$abc"}]},
    ],
)
def test_hash_of_a_password_is_no_login(rules: dict[str, Any]) -> None:
    with pytest.raises(NoLogin, match="bcrypt"):
        access_of(SERVER, {"authorization": rules})


def test_repr_shows_no_secret() -> None:
    assert "secret" not in repr(Access(user="u", password="secret", token="secret"))
