"""Files of every kind with something wrong in them: what comes out is a result or one line for the user."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from stanlocal.errors import GroupError, SettingsError, StanlocalError
from stanlocal.group.home import GroupHome
from stanlocal.history import JOURNAL_FILE
from stanlocal.history.journal import Journal
from stanlocal.imports.reading import read
from stanlocal.model import plan_json
from stanlocal.model.placement import plan_group
from stanlocal.monitor.findings import findings
from stanlocal.settings import load, resolve
from stanlocal.settings.paths import host_files
from stanlocal.settings.secrets import redacted
from stanlocal.store.format.slices import Window
from stanlocal.store.guard.content import inspect_store
from stanlocal.store.inspect.diff import diff
from stanlocal.store.inspect.dump import dump, line
from stanlocal.store.inspect.overview import overview
from stanlocal.store.verify.problems import Problem
from stanlocal.store.verify.store import verify
from tests import seed
from tests.support.damage import sound
from tests.support.effort import inputs
from tests.support.mutation import mutated, mutated_document, mutated_text

CASES = 250

SETTINGS = (
    "nodes = 3\ngroup = 'g'\n[streaming.store_limits]\nmax_age = '1h'\nchannels.\"a.>\".max_msgs = 5\n"
    "[nats]\nmax_payload = '1mb'\nno_auth_user = 'a'\n"
    "authorization.users = [{ user = 'a', password = 'b' }]\n"
)
"""A sound file of settings."""

JOURNAL: list[dict[str, Any]] = [
    {"time": "2026-01-01T00:00:00Z", "type": "fault", "fault": "f1", "name": "kill", "targets": ["g-0"],
     "runs": {"g-0": "2026-01-01T00:00:00Z"}, "until": "2026-01-01T00:00:09Z", "leaves": "ended",
     "predicted": {"state": "x"}, "notes": {"parameters": {"signal": "KILL"}}, "ends_run": True},
    {"time": "2026-01-01T00:00:01Z", "type": "effect", "fault": "f1",
     "times": {"g-0": "2026-01-01T00:00:01Z"}},
    {"time": "2026-01-01T00:00:02Z", "type": "observed", "fault": "f1",
     "observed": "o", "as_expected": True},
    {"time": "2026-01-01T00:00:03Z", "type": "heal", "fault": "f1", "targets": ["g-0"]},
    {"time": "2026-01-01T00:00:04Z", "type": "end", "times": {"g-0": "2026-01-01T00:00:04Z"},
     "exit_code": 1},
]  # fmt: skip
"""Sound records of a journal."""


def outcomes(act: Callable[[Random], object], cases: int = CASES) -> list[str]:
    """Return each generator's outcome of `act`: "" or stanlocal's error; fail for any other error."""
    found = []
    for number in range(inputs(cases)):
        try:
            act(Random(number))
            found.append("")
        except StanlocalError as error:
            lines = error.problems if isinstance(error, SettingsError) else (str(error),)
            found += lines
    assert not any("\n" in each for each in found)
    return found


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("stan.conf", seed.stan_conf()),
        ("stan.conf", "v: {a: [1, $X ], b: 'x'}\nstreaming {\n store: file\n users: $v\n include a.conf\n}"),
        ("efs.yaml", seed.EFS.read_text()),
        ("values.yaml", seed.VALUES.read_text()),
        ("a.yaml", "a: &a {b: [c, 1.5, 0x10]}\nstan: &b\n  <<: [*a, {x: |\n    y\n}]\nstore: *b\n"),
    ],
    ids=["guide", "variables", "manifest", "values", "aliases"],
)
def test_an_import_with_anything_wrong(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("c: 1")

    def act(dice: Random) -> None:
        path = tmp_path / name
        path.write_text(mutated_text(text, dice))
        resolve([read(path, {"X": "[1]"}).layer])

    assert any(outcomes(act))


def test_settings_with_anything_wrong(tmp_path: Path) -> None:
    def act(dice: Random) -> None:
        (tmp_path / "stanlocal.toml").write_text(mutated_text(SETTINGS, dice))
        load({}, {}, None, tmp_path)

    assert any(outcomes(act, 1000))


def test_a_store_with_anything_wrong(tmp_path: Path) -> None:
    store = sound(tmp_path / "store")
    other = sound(tmp_path / "other")
    contents = {path: path.read_bytes() for path in sorted(store.rglob("*")) if path.is_file()}

    def act(dice: Random) -> None:
        path = dice.choice(list(contents))
        path.write_bytes(mutated(contents[path], dice))
        os.utime(path, (0, 0))  # as if no process wrote to it
        verify(store)
        overview(store, {"max_msgs": 5})
        diff(store, other)
        for found in dump(store, "orders", Window()):
            assert isinstance(found, Problem) or line(found, dice.choice(("jsonl", "text", "hex")))
        path.write_bytes(contents[path])

    outcomes(act, 40)


def test_a_marker_with_anything_wrong(tmp_path: Path) -> None:
    from stanlocal.store.guard import marker

    given = dict.fromkeys(marker.Marker.__dataclass_fields__, "x")
    good = {**given, "group": "g", "created": "2026-01-01T00:00:00Z", "adopted": False, "version": 1}

    def act(dice: Random) -> None:
        text = json.dumps(mutated_document(good, dice)).encode()
        (tmp_path / ".stanlocal.json").write_bytes(mutated(text, dice) if dice.random() < 0.3 else text)
        inspect_store(tmp_path)

    assert any(outcomes(act, 1000))


def test_a_plan_with_anything_wrong(tmp_path: Path) -> None:
    plan = plan_group(
        group="g", image="i", ports=[(4222, 8222), (4223, 8223)], store_dir="/s", state_dir="/t", user="1:1",
        streaming={"store": "file", "store_limits": {"max_msgs": 1}}, nats={"max_payload": 5},
    )  # fmt: skip
    home = GroupHome(tmp_path)
    refused = 0
    for number in range(inputs(1000)):
        dice = Random(number)
        text = json.dumps(mutated_document(json.loads(plan_json.to_json(plan)), dice)).encode()
        (tmp_path / "group.json").write_bytes(mutated(text, dice) if dice.random() < 0.3 else text)
        try:
            found = home.load_plan()
        except GroupError:
            refused += 1
            continue
        assert found is not None
        assert len(found.client_urls) == len(found.monitor_urls) == len(found.nodes)
        assert all(map(found.conf_dir, found.nodes))
        assert json.loads(plan_json.to_json(found))
    assert refused > inputs(100)


def test_a_plan_with_nested_settings_of_any_kind() -> None:
    """A plan read without resolving its settings again gives a result or one line."""
    limits = {"max_msgs": 1, "max_bytes": "5kb", "max_age": 7, "max_subs": 3}
    plan = plan_group(
        group="g", image="i", ports=[(4222, 8222)], store_dir="/s", state_dir="/t", user="1:1",
        streaming={"cluster_id": "c", "ft_group_name": "f", "nats_server_url": "nats://a:1",
                   "tls": {"client_cert": "/a"}, "store_limits": {**limits, "channels": {"a": limits}}},
        nats={"max_payload": 5, "tls": {"ca_file": "/x"}, "authorization": {"users": [{"user": "a"}]}},
    )  # fmt: skip
    document = json.loads(plan_json.to_json(plan))
    channel = {"name": "a", "msgs": 3, "bytes": 3, "subs_count": 1, "subscriptions": []}

    def act(dice: Random) -> None:
        part = dice.choice(("streaming", "nats"))
        text = json.dumps({**document, part: mutated_document(document[part], dice)})
        try:
            found = plan_json.from_json(text)
        except ValueError as error:
            raise StanlocalError(str(error)) from error
        assert found.cluster_id is not None
        assert found.ft_group is not None
        assert found.client_urls
        redacted(found.streaming), redacted(found.nats)
        host_files(found.streaming, found.nats)
        findings([channel], found.streaming.get("store_limits"), None, [])

    refused = [each for each in outcomes(act, 1000) if each]
    assert inputs(100) < len(refused) < inputs(900)


def test_what_is_wrong_depends_on_the_seed_alone() -> None:
    """However many documents were made before, the next is the one that its seed makes first."""
    sound: dict[str, Any] = {"a": {}, "b": [{}]}
    first = [repr(mutated_document(sound, Random(seed))) for seed in range(2_000)]
    assert [repr(mutated_document(sound, Random(seed))) for seed in range(2_000)] == first


def test_a_journal_with_anything_wrong(tmp_path: Path) -> None:
    """A line that is no record is skipped."""
    read_at_all = 0
    for number in range(inputs(1000)):
        dice = Random(number)
        records = [mutated_document(each, dice) if dice.random() < 0.4 else each for each in JOURNAL]
        data = "".join(f"{json.dumps(each)}\n" for each in records).encode()
        (tmp_path / JOURNAL_FILE).write_bytes(mutated(data, dice) if number % 3 == 0 else data)
        journal = Journal(tmp_path)
        for fault in journal.faults():
            json.dumps(fault.document())
        read_at_all += len(journal.records())
    assert read_at_all > inputs(1000)
