"""`redacted` leaves no secret in its result."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.settings import HIDDEN, redacted
from stanlocal.settings.secrets import holds_hidden
from tests.unit.settings.support import problems

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("shown", "hidden"),
    [
        ({"password": SECRET}, {"password": HIDDEN}),
        ({"PASS": SECRET, "token": SECRET}, {"PASS": HIDDEN, "token": HIDDEN}),
        ({"encryption_key": SECRET, "cluster_id": "c"}, {"encryption_key": HIDDEN, "cluster_id": "c"}),
        ({"password": 12345}, {"password": HIDDEN}),
        ({"password": None}, {"password": None}),
        ({"accounts": {"token": {"password": SECRET}}}, {"accounts": {"token": {"password": HIDDEN}}}),
        (
            {"nats": {"authorization": {"users": [{"user": "u", "password": SECRET}, {"nkey": SECRET}]}}},
            {"nats": {"authorization": {"users": [{"user": "u", "password": HIDDEN}, {"nkey": HIDDEN}]}}},
        ),
        (
            {"accounts": {"A": {"users": [{"user": "u", "pass": SECRET}]}}},
            {"accounts": {"A": {"users": [{"user": "u", "pass": HIDDEN}]}}},
        ),
        (
            {"routes": [f"nats://u:{SECRET}@host:1", f"nats://{SECRET}@host:1", "nats://host:1"]},
            {"routes": [f"nats://u:{HIDDEN}@host:1", f"nats://{HIDDEN}@host:1", "nats://host:1"]},
        ),
        ({"url": f"nats://u:p@{SECRET}@h, nats://v:{SECRET}@h"}, None),
        ({"anything": "$2a$11$" + SECRET}, {"anything": HIDDEN}),
        ({"nkey_seed_file": "/seed", "max_msgs": 3}, {"nkey_seed_file": "/seed", "max_msgs": 3}),
    ],
)
def test_secrets_are_hidden_and_the_rest_is_kept(
    shown: dict[str, Any], hidden: dict[str, Any] | None
) -> None:
    result = redacted(shown)
    assert SECRET not in repr(result)
    if hidden is not None:
        assert result == hidden


def test_the_original_keeps_its_secrets() -> None:
    original = {"authorization": {"users": [{"user": "u", "password": SECRET}]}}
    redacted(original)
    assert original["authorization"]["users"][0]["password"] == SECRET


secret_names = st.sampled_from(["password", "pass", "token", "encryption_key", "nkey", "Password"])
names = st.text("abc.>*", max_size=4)
plain = st.text("ab c$", max_size=8) | st.integers() | st.booleans()
trees = st.recursive(
    st.dictionaries(secret_names, st.just(SECRET), max_size=2) | st.dictionaries(names, plain),
    lambda inner: st.dictionaries(names, inner | st.lists(inner, max_size=3), max_size=3),
)


@given(trees)
def test_no_secret_is_left_at_any_depth_and_hiding_twice_changes_nothing(tree: dict[str, Any]) -> None:
    hidden = redacted(tree)
    assert SECRET not in repr(hidden)
    assert redacted(hidden) == hidden
    assert holds_hidden(hidden) == (SECRET in repr(tree))


@pytest.mark.parametrize(
    "given",
    [
        {"nats": {"authorization": SECRET}},
        {"nats": {"authorization": {"password": [SECRET]}}},
        {"nats": {"authorization": {"users": SECRET}}},
        {"nats": {"authorization": {"users": [SECRET]}}},
        {"nats": SECRET},
        {"streaming": {"token": {"a": SECRET}}},
        {"streaming": {"nats_server_url": f"http://u:{SECRET}@host"}},
        {"streaming": {"nats_server_url": f"nats://{SECRET}@host,"}},
    ],
)
def test_no_message_about_a_wrong_value_holds_a_secret(given: dict[str, Any]) -> None:
    found = problems(**given)
    assert found
    assert not [line for line in found if SECRET in line]
