"""The variables for programs, of groups with every kind of TLS."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stanlocal.access.environment import variables
from tests.support.facts import group_plan

OWN = {"cert_file": "server.pem", "key_file": "server.key"}
ELSEWHERE = {"nats_server_url": "tls://host:4222"}
CLIENT = {"client_cert": "/c.pem", "client_key": "/k.pem"}


def files(*, secure: bool = False, nats: dict[str, Any], streaming: dict[str, Any]) -> dict[str, str]:
    """Return the variables that name files."""
    plan = group_plan()
    plan = replace(
        plan, state_dir="/state", secure=secure, nats=nats, streaming={**plan.streaming, **streaming}
    )
    return {name: value for name, value in variables(plan).items() if value.startswith("/")}


@pytest.mark.parametrize(
    ("nats", "streaming", "named"),
    [
        ({}, {}, {}),
        ({"authorization": {"token": "t"}}, {}, {}),
        ({"tls": OWN}, {}, {"NATS_CA": "/state/secrets/trusted.pem"}),
        (
            {"tls": {**OWN, "verify": True}},
            {"tls": CLIENT},
            {"NATS_CA": "/state/secrets/trusted.pem", "NATS_CERT": "/c.pem", "NATS_KEY": "/k.pem"},
        ),
        (
            {},
            {"nats_server_url": "tls://host:4222", "tls": {"client_cacert": "/ca.pem"}},
            {"NATS_CA": "/ca.pem"},
        ),
        ({}, {"nats_server_url": "tls://host:4222"}, {}),
    ],
)
def test_own_certificates_are_named_as_the_groups_own_clients_use_them(
    nats: dict[str, Any], streaming: dict[str, Any], named: dict[str, str]
) -> None:
    assert files(nats=nats, streaming=streaming) == named


def test_a_secured_group_names_its_own_files_and_a_login_where_the_settings_have_none() -> None:
    found = files(secure=True, nats={}, streaming={})
    assert found.keys() == {"NATS_CA", "NATS_CERT", "NATS_KEY", "NATS_PASSWORD_FILE"}
    assert found["NATS_CA"] == "/state/secrets/ca.pem"
    found = files(secure=True, nats={"authorization": {"token": "t"}}, streaming={})
    assert found.keys() == {"NATS_CA", "NATS_CERT", "NATS_KEY"}
