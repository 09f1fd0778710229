"""Findings of `doctor` about a group's logins."""

from __future__ import annotations

from typing import Any

import pytest

from stanlocal.access.login_findings import login_findings

FEW = {"publish": ["orders.>", "_INBOX.>"], "subscribe": ["_INBOX.>", "_STAN.>"]}


def users(*users: dict[str, Any]) -> dict[str, Any]:
    return {"authorization": {"users": list(users)}}


@pytest.mark.parametrize(
    ("nats", "able", "said"),
    [
        ({}, True, "none is asked for"),
        ({"authorization": {"token": "t"}}, True, "by the one login that there is"),
        (users({"user": "stan", "password": "p"}), True, "stanlocal's own clients log in as stan"),
        (
            users({"user": "stan", "password": "p", "permissions": FEW}, {"user": "b", "password": "q"}),
            True,
            "stanlocal's own clients log in as b",
        ),
        (
            users({"user": "stan", "password": "p", "permissions": FEW}),
            False,
            "'stan' may not publish _STAN.>",
        ),
        (users({"user": "b", "password": "$2a$11$x"}), False, "of no user the password is known, only"),
    ],
)
def test_findings_say_as_whom_a_client_logs_in_or_what_it_lacks(
    nats: dict[str, Any], able: bool, said: str
) -> None:
    found, detail = login_findings({"cluster_id": "c", "username": "stan", "password": "p"}, nats)
    assert found is able
    assert detail.startswith(said)


def test_secrets_are_not_said() -> None:
    for nats in (users({"user": "stan", "password": "secret"}), {"authorization": {"token": "secret"}}):
        assert "secret" not in login_findings({"cluster_id": "c", "username": "stan"}, nats)[1]
