"""Protection that a group has is taken away on request only, and never by a file that was merely found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stanlocal.settings.protection import has_login, lowered
from stanlocal.settings.rules import without_passwords
from tests.unit.settings.support import problems, settle

USERS = [{"user": "me", "password": "p", "permissions": {"publish": "a"}}]
OPEN: dict[str, Any] = {"streaming": {}, "nats": {}}


def nats(**options: Any) -> dict[str, Any]:
    return {"streaming": {}, "nats": options}


@pytest.mark.parametrize(
    ("before", "after", "then"),
    [
        (
            {**OPEN, "secure": True},
            nats(authorization={"token": "t"}, tls={"timeout": 1}),
            "routes have no TLS",
        ),
        (nats(authorization={"user": "u"}), OPEN, "clients need no login"),
        (nats(accounts={"A": {"users": [{"user": "u"}]}}), nats(accounts={"A": {}}), "clients need no login"),
        (nats(tls={"verify_and_map": True}), nats(tls={"verify": True}), "clients need no login"),
        (
            nats(authorization={"users": USERS}),
            nats(authorization={"users": USERS}, no_auth_user="me"),
            "clients need no login",
        ),
        (nats(tls={"timeout": 1}), OPEN, "clients need no TLS"),
        (nats(tls={"timeout": 1}), nats(tls={"timeout": 1}, allow_non_tls=True), "may connect in clear"),
        (nats(tls={"verify": True}), nats(tls={"verify": False}), "clients need no certificate"),
        (nats(tls={"verify": True}), nats(tls={"verify": True, "insecure": True}), "are not checked"),
        (nats(tls={"pinned_certs": ["a"]}), nats(tls={"timeout": 1}), "certificates of clients may be any"),
        (nats(cluster={"tls": {"timeout": 1}}), OPEN, "routes have no TLS"),
        (
            nats(cluster={"tls": {"timeout": 1}}),
            nats(cluster={"tls": {"insecure": True}}),
            "certificates of routes are not checked",
        ),
        (
            nats(authorization={"users": USERS}),
            nats(authorization={"users": [{"user": "me", "password": "p"}]}),
            "the user me may publish and subscribe to everything",
        ),
        ({"streaming": {"encrypt": True}, "nats": {}}, OPEN, "messages are stored in clear"),
        (
            {"streaming": {"nats_server_url": "tls://h:1", "secure": True}, "nats": {}},
            {"streaming": {"nats_server_url": "tls://h:1", "tls": {"skip_verify": True}}, "nats": {}},
            "NATS server is not checked",
        ),
    ],
)
def test_less_protection_is_named(before: dict[str, Any], after: dict[str, Any], then: str) -> None:
    assert any(then in line for line in lowered(before, after))
    assert list(lowered(before, before)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (nats(authorization={"user": "u", "password": "old"}), nats(authorization={"token": "new"})),
        (nats(authorization={"token": "t"}), {**OPEN, "secure": True}),
        (nats(tls={"cert_file": "a"}), nats(tls={"cert_file": "b"})),
        (OPEN, nats(authorization={"users": USERS}, tls={"verify": True})),
        (OPEN, {"streaming": {"tls": {"skip_verify": True}}, "nats": {"tls": {"insecure": True}}}),
        (nats(tls={"timeout": 1}), {"streaming": {"nats_server_url": "tls://h:1"}, "nats": {}}),
    ],
)
def test_other_protection_is_not_less(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert list(lowered(before, after)) == []


@pytest.mark.parametrize(
    ("content", "existing"),
    [
        ("secure = false\n", {"secure": True}),
        ("[nats.tls]\nverify = false\n", {"nats": {"tls": {"verify": True}}}),
        ("[nats]\nallow_non_tls = true\n", {"nats": {"tls": {"timeout": 1}}}),
    ],
)
def test_found_file_takes_no_protection_away(tmp_path: Path, content: str, existing: dict[str, Any]) -> None:
    file = tmp_path / "stanlocal.toml"
    file.write_text(content)
    (problem,) = problems(start=tmp_path, existing=existing)
    assert problem.startswith(f"{file} would take protection from the group (")
    assert problem.endswith("name the file with --config, or take that out of it")
    settle(file=file, existing=existing)  # named, it may
    settle(start=tmp_path)  # a group that is new, too


def test_each_loss_is_named_once() -> None:
    assert list(lowered(nats(tls={"verify": True}), OPEN)) == [
        "clients need no TLS",
        "clients need no certificate",
    ]


def test_found_file_takes_nothing_away_that_the_environment_asks_for(tmp_path: Path) -> None:
    (tmp_path / "stanlocal.toml").write_text('[nats]\nno_auth_user = "me"\n')
    environ = {"STANLOCAL_NATS__AUTHORIZATION__USER": "me", "STANLOCAL_NATS__AUTHORIZATION__PASSWORD": "p"}
    (problem,) = problems(environ, start=tmp_path)
    assert "(clients need no login)" in problem


def test_flag_and_environment_take_protection_away_beside_a_found_file(tmp_path: Path) -> None:
    (tmp_path / "stanlocal.toml").write_text("secure = false\n")
    assert not settle(start=tmp_path, existing={"secure": True}, secure=False).secure
    assert not settle({"STANLOCAL_SECURE": "no"}, start=tmp_path, existing={"secure": True}).secure


def test_accounts_without_users_are_no_login() -> None:
    """A secured group gets its own login beside them."""
    assert not has_login({"accounts": {"A": {"imports": []}, "B": {"users": []}}})
    assert has_login({"accounts": {"A": {"users": [{"nkey": "U"}]}}})


@pytest.mark.parametrize(
    ("nats", "said"),
    [
        (
            {"authorization": {"user": "app"}},
            "'app' has no password: the name alone would let in; set STANLOCAL_",
        ),
        ({"authorization": {"users": [{"user": "app"}, {"nkey": "U"}]}}, "authorization.users names 'app'"),
        ({"accounts": {"A": {"users": [{"username": "app"}]}}}, "nats.accounts.A.users names 'app'"),
        ({"authorization": {"users": [{"user": "app"}]}, "no_auth_user": "app"}, None),
        ({"authorization": {"users": [{"user": "app"}]}, "tls": {"verify_and_map": True}}, None),
        ({"authorization": {"user": "app", "password": "p"}, "accounts": {"A": 5}}, None),
    ],
)
def test_user_without_a_password_is_named(nats: dict[str, Any], said: str | None) -> None:
    found = list(without_passwords(nats))
    assert len(found) == (said is not None)
    assert said is None or said in found[0]
