"""Routes have a login wherever clients need one, and it is written for servers alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stanlocal.access.route_login import is_needed, with_route_login
from stanlocal.render.stan_conf import render
from tests.support.natsconf import parse
from tests.unit.access.test_route_names import planned


@pytest.mark.parametrize(
    ("nats", "secure", "needed"),
    [
        ({}, False, False),
        ({"max_payload": 5, "accounts": {"A": {}}}, False, False),
        ({}, True, True),
        ({"authorization": {"token": "t"}}, False, True),
        ({"accounts": {"A": {"users": [{"nkey": "U"}]}}}, False, True),
        ({"tls": {"verify": True}}, False, True),
    ],
)
def test_needed_where_clients_need_more_than_the_address(
    nats: dict[str, Any], secure: bool, needed: bool
) -> None:
    assert is_needed(nats, secure=secure) is needed


def test_each_route_shows_the_login_that_each_node_asks_for() -> None:
    tls = {"cluster": {"tls": {"cert_file": "/c.pem", "key_file": "/k.pem"}}}
    plan = replace(planned(), nats=with_route_login(tls, "pw"))
    cluster = parse(render(plan, plan.nodes[0]))["cluster"]
    assert cluster["routes"] == ["nats://routes:pw@g-0.g:6222", "nats://routes:pw@g-1.g:6222"]
    assert cluster["authorization"] == {"user": "routes", "password": "pw"}
    assert cluster["tls"] == {"cert_file": "/c.pem", "key_file": "/k.pem", "ca_file": "/c.pem"}
