"""`unset` takes settings from an existing group, and from what counts less than the place that unsets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stanlocal.settings import HIDDEN
from tests.unit.settings.support import problems, settle

EXISTING: dict[str, Any] = {
    "streaming": {
        "username": "me",
        "password": "p",
        "store_limits": {"max_age": "1h", "channels": {"foo.>": {"max_age": "2h", "max_msgs": 3}}},
    },
    "nats": {
        "max_payload": 5_000_000,
        "authorization": {"timeout": 3, "users": [{"user": "me", "password": "p"}]},
    },
}


def test_setting_is_lost_with_all_below_it_and_others_stay() -> None:
    given = settle(existing=EXISTING, unset=["nats.authorization", "streaming.username", "streaming.pass"])
    assert given.nats == {"max_payload": 5_000_000}
    assert not {"username", "password"} & given.streaming.keys()
    assert given.streaming["store_limits"]["max_age"] == "1h"
    assert given.unset == ("nats.authorization", "streaming.password", "streaming.username")
    assert given.sources["unset"] == "flag --unset"


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ('streaming.store_limits.channels."foo.>".max_age', {"max_age": "1h", "of": {"max_msgs": 3}}),
        ('Streaming.limits.channels."foo.>"', {"max_age": "1h", "of": None}),
        ("streaming.store_limits", {"max_age": "0s", "of": None}),
    ],
)
def test_default_is_what_remains(name: str, left: dict[str, Any]) -> None:
    limits = settle(existing=EXISTING, unset=[name]).streaming["store_limits"]
    assert limits["max_age"] == left["max_age"]
    assert limits.get("channels", {}).get("foo.>") == left["of"]


def test_flag_hides_what_environment_and_file_have(tmp_path: Path) -> None:
    (tmp_path / "stanlocal.toml").write_text("[nats]\nmax_payload = 7\n")
    environ = {"STANLOCAL_NATS__MAX_PAYLOAD": "6", "STANLOCAL_NODES": "3"}
    given = settle(environ, start=tmp_path, existing=EXISTING, unset=["nats.max_payload"])
    assert ("max_payload" in given.nats, given.nodes) == (False, 3)


def test_environment_hides_the_group_but_no_flag() -> None:
    environ = {
        "STANLOCAL_UNSET": "nats.max_payload, nats.authorization,streaming.username,streaming.password"
    }
    given = settle(environ, existing=EXISTING, nats={"max_payload": 8})
    assert given.nats == {"max_payload": 8}


def test_secret_that_is_not_kept_any_more_is_not_asked_for() -> None:
    existing = {"streaming": {"encryption_key": HIDDEN}}
    assert settle(existing=existing, unset=["streaming.encryption_key"]).streaming.get("encrypt") is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "nats.authorisation",
            "'nats.authorisation', which is not a setting; did you mean nats.authorization?",
        ),
        ("nats.authorization.users.0", "which is not a setting"),
        ("nats.accounts.A", "which is not a setting"),
        ("nats.listen", "which is not a setting"),
        ("streaming..tls", "which is not a setting"),
        ("unset", "which is not a setting"),
        ('nats."\x1b[2J', r"'nats.\"\x1b[2J', which is not a setting"),
        ("", "'', which is not a setting"),
    ],
)
def test_unknown_name_is_refused(name: str, said: str) -> None:
    (problem,) = problems(unset=[name])
    assert problem.startswith("flag --unset names ")
    assert said.replace(r"\"", '"') in problem


def test_set_and_unset_at_one_place_is_refused() -> None:
    (problem,) = problems(unset=["nats"], nats={"max_payload": 5})
    assert problem == "flag --unset names nats.max_payload, which is set beside it; remove one"


def test_found_file_takes_nothing_from_a_group(tmp_path: Path) -> None:
    file = tmp_path / "stanlocal.toml"
    file.write_text('unset = ["nats.authorization"]\n')
    (problem,) = problems(start=tmp_path, existing=EXISTING)
    assert problem == (
        f"{file}: unset would take settings from the group, which a file that was found and not named cannot "
        "ask for; name the file with --config, or set STANLOCAL_UNSET"
    )
    file.write_text('unset = ["nats.max_payload"]\n')
    assert "max_payload" not in settle(file=file, existing=EXISTING).nats
