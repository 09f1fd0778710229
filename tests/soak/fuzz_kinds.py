"""The inputs that come from outside, each as a sound one that is changed at random, and what reads it.

A reader has to give a result or raise one of stanlocal's errors. Files are in a folder of the trial.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from tests import seed
from tests.soak.fuzz_cluster import cluster_objects
from tests.soak.fuzz_server import server_bytes, wire
from tests.support.mutation import mutated, mutated_document, mutated_text

Act = Callable[[Random], object]
_TESTS = Path(__file__).parents[1]
_NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def log_lines(folder: Path) -> Act:
    """Lines of the servers, as recorded, changed."""
    from stanlocal.logs.line_patterns import parse

    recordings = sorted((_TESTS / "unit" / "logs" / "lines").glob("*.log"))
    lines = [line for each in recordings for line in each.read_text("utf-8").splitlines()]
    return lambda dice: parse(mutated_text(dice.choice(lines), dice), _NOW)


def nats_files(folder: Path) -> Act:
    """Configurations of the NATS server, read as settings of a group."""
    from stanlocal.imports.reading import read
    from stanlocal.settings import resolve

    texts = [
        seed.stan_conf(),
        "v: {a: [1, $X ], b: 'x'}\nstreaming {\n store: file\n users: $v\n include a.conf\n}",
    ]
    (folder / "a.conf").write_text("c: 1")
    document = {
        "port": 4222,
        "cluster": {"listen": "0.0.0.0:6222", "routes": ["nats://b:6222"]},
        "authorization": {"users": [{"user": "a", "password": "b", "permissions": {"publish": [">"]}}]},
        "streaming": {"id": "c", "store": "file", "dir": "/data", "ft_group_name": "ft",
                      "store_limits": {"max_age": "1h", "channels": {"a.>": {"max_msgs": 5}}}},
    }  # fmt: skip
    path = folder / "stan.conf"

    def act(dice: Random) -> None:
        path.write_text(_changed(texts, document, dice))
        resolve([read(path, {"X": "[1 ]"}).layer])

    return act


def yaml(folder: Path) -> Act:
    """Manifests, chart values, and YAML with aliases and merges."""
    from yaml import safe_load_all

    from stanlocal.imports.reading import read
    from stanlocal.settings import resolve

    texts = [
        seed.EFS.read_text(),
        seed.VALUES.read_text(),
        "a: &a {b: [c, 1.5, 0x10]}\nstan: &b\n  <<: [*a, {x: |\n    y\n}]\nstore: *b\n",
    ]
    documents = [document for text in texts[:2] for document in safe_load_all(text) if document]
    path = folder / "a.yaml"

    def act(dice: Random) -> None:
        path.write_text(_changed(texts, dice.choice(documents), dice))
        resolve([read(path, {}).layer])

    return act


def _changed(texts: list[str], document: Any, dice: Random) -> str:
    """Return a text with changes, or as often a document with changes, as JSON, which both formats read."""
    if dice.random() < 0.5:
        return mutated_text(dice.choice(texts), dice)
    changed = json.dumps(mutated_document(document, dice), ensure_ascii=dice.random() < 0.5, default=str)
    return changed.encode("utf-8", "replace").decode()  # half a surrogate pair is no text of a file


def store_bytes(folder: Path) -> Act:
    """Files of a store, which is verified, looked over or dumped."""
    from stanlocal.store.format.slices import Window
    from stanlocal.store.inspect.dump import Format, dump, line
    from stanlocal.store.inspect.overview import overview
    from stanlocal.store.verify.problems import Problem
    from stanlocal.store.verify.store import verify
    from tests.support.stores import make_store, slice_of, subscription, update

    subs = [(1, subscription(1, "d")), (5, update(1, 1)), (4, update(1, 1))]
    slices = [slice_of([b"p" * 20] * 6), slice_of([b"q" * 30] * 4, first=7)]
    store = make_store(folder / "store", slices, subs=subs)
    contents = {path: path.read_bytes() for path in sorted(store.rglob("*")) if path.is_file()}
    paths = list(contents)

    def put(path: Path, data: bytes) -> None:
        path.write_bytes(data)
        os.utime(path, (0, 0))  # as if no process wrote to it: readers would wait for that one

    def dumped(how: Format) -> None:
        for found in dump(store, "orders", Window()):
            assert isinstance(found, Problem) or line(found, how)

    readers: list[Callable[[Random], object]] = [
        lambda dice: verify(store),
        lambda dice: overview(store, {"max_msgs": 5}),
        lambda dice: dumped(dice.choice(("jsonl", "text", "hex"))),
    ]

    def act(dice: Random) -> None:
        path = dice.choice(paths)
        put(path, mutated(contents[path], dice))
        try:
            dice.choice(readers)(dice)
        finally:
            put(path, contents[path])

    return act


def ledgers(folder: Path) -> Act:
    """Ledgers of drills, which are judged."""
    from stanlocal.drill.analysis.checker import check
    from stanlocal.drill.ledger.reader import read_bytes
    from tests.unit.drill.ledger.test_hostile_ledger import ledger

    return lambda dice: check(read_bytes(ledger(dice)))


def journals(folder: Path) -> Act:
    """Journals of a group's faults."""
    from stanlocal.history import JOURNAL_FILE
    from stanlocal.history.journal import Journal
    from tests.unit.test_mutated import JOURNAL

    def act(dice: Random) -> None:
        records = [mutated_document(each, dice) if dice.random() < 0.4 else each for each in JOURNAL]
        data = "".join(f"{json.dumps(each)}\n" for each in records).encode()
        (folder / JOURNAL_FILE).write_bytes(mutated(data, dice) if dice.random() < 0.3 else data)
        for fault in Journal(folder).faults():
            json.dumps(fault.document())

    return act


def settings(folder: Path) -> Act:
    """Files of stanlocal's own settings, and the values of any layer."""
    from stanlocal.settings import load, resolve
    from stanlocal.settings.layer import Layer
    from tests.unit.test_mutated import SETTINGS

    document = tomllib.loads(SETTINGS)

    def act(dice: Random) -> None:
        if dice.random() < 0.5:
            (folder / "stanlocal.toml").write_text(mutated_text(SETTINGS, dice))
            load({}, {}, None, folder)
        else:
            changed = mutated_document(document, dice)
            resolve([Layer("running", changed)])

    return act


def packs(folder: Path) -> Act:
    """Archives of a JetStream stream that `pack` wrote."""
    from cramjam import snappy

    from stanlocal.migrate.archive.entries import END, MAGIC, entry, state_entry
    from stanlocal.migrate.archive.reading import read_archive

    entries = [state_entry({"msgs": 2}, 5), entry("a/1", b"x" * 300, time=7, sequence=1), END]
    plain = MAGIC + b"".join(entries)
    sound = bytes(snappy.compress(plain))
    path = folder / "archive"

    def act(dice: Random) -> None:
        within = dice.random() < 0.5  # behind a sound checksum
        changed = bytes(snappy.compress(mutated(plain, dice))) if within else mutated(sound, dice)
        path.write_bytes(changed)
        for _ in read_archive(path):
            pass

    return act


KINDS: dict[str, Callable[[Path], Act]] = {
    "log-lines": log_lines,
    "nats-files": nats_files,
    "yaml": yaml,
    "wire": wire,
    "server-bytes": server_bytes,
    "store-bytes": store_bytes,
    "ledgers": ledgers,
    "journals": journals,
    "settings": settings,
    "packs": packs,
    "cluster-objects": cluster_objects,
}
"""Preparations for the reading of each kind, by name."""
