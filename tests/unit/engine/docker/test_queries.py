"""Queries of an engine without its SDK: each answer is used or becomes one of stanlocal's errors."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stanlocal.engine.docker.ping import Target
from stanlocal.engine.docker.queries import Queries
from stanlocal.engine.docker.transport import Transport
from stanlocal.errors import EngineError, EngineUnavailable, NodeNotFound
from tests.support.fake_socket import fake_socket

Query = Callable[[Queries], Any]
FILTERS = {"label": ["dev.stanlocal.group=a b"]}


def reply(body: bytes, status: int = 200) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def answered(path: Path, answer: bytes | None, query: Query, timeout_s: float = 2) -> tuple[Any, list[bytes]]:
    with fake_socket(path / "docker.sock", answer) as fake:
        return query(Queries(Transport(Target(fake.url), "1.41", timeout_s))), fake.requests


@pytest.mark.parametrize(
    ("query", "path"),
    [
        (
            lambda engine: engine.containers(FILTERS),
            "containers/json?all=1&filters=%7B%22label%22%3A+%5B%22dev.stanlocal.group%3Da+b%22%5D%7D",
        ),
        (lambda engine: engine.containers({}, ended=False), "containers/json?all=0&filters=%7B%7D"),
        (lambda engine: engine.networks({}), "networks?filters=%7B%7D"),
    ],
)
def test_a_list_is_one_request_of_the_version_that_the_engine_named(
    tmp_path: Path, query: Query, path: str
) -> None:
    found, requests = answered(tmp_path, reply(b'[{"Id": "1"}]'), query)
    assert found == [{"Id": "1"}]
    assert requests == [f"GET /v1.41/{path} HTTP/1.1".encode()]


def test_a_container_is_asked_for_by_its_name_as_it_is(tmp_path: Path) -> None:
    found, requests = answered(tmp_path, reply(b"{}"), lambda engine: engine.container("a/../b?c"))
    assert found == {}
    assert requests == [b"GET /v1.41/containers/a%2F..%2Fb%3Fc/json HTTP/1.1"]


def test_output_is_taken_out_of_its_frames(tmp_path: Path) -> None:
    frames = b"".join(struct.pack(">BxxxL", stream, 2) + text for stream, text in ((1, b"a\n"), (2, b"b\n")))
    since = datetime(2026, 1, 1, microsecond=5, tzinfo=UTC)
    found, requests = answered(
        tmp_path, reply(frames), lambda engine: b"".join(engine.logs("stan-0", since=since, tail=3))
    )
    assert found == b"a\nb\n"
    params = b"stdout=1&stderr=1&timestamps=1&since=1767225600.000005&tail=3"
    assert requests == [b"GET /v1.41/containers/stan-0/logs?%s HTTP/1.1" % params]


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (
            reply(b'{"message": "No such container: x\\nmore"}', 404),
            NodeNotFound,
            "container: x; see",
        ),
        (reply(b'{"message": "disk on fire"}', 500), EngineError, "the engine refused: disk on fire"),
        (reply(b"<html>", 502), EngineError, "the engine refused: <html>"),
        (reply(b"[]", 500), EngineError, r"the engine refused: \[\]"),
        (reply(b"", 500), EngineError, "the engine refused: without a reason"),
        (reply(b"[[]"), EngineUnavailable, "not the Docker API's"),
        (reply(b"[" * 100_000), EngineUnavailable, "not the Docker API's"),
        (reply(b"[]"), EngineUnavailable, "not the Docker API's"),
        (
            b"HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\n{",
            EngineUnavailable,
            "the connection .* was lost",
        ),
        (b"nonsense\r\n\r\n", EngineUnavailable, "the connection .* was lost"),
    ],
)
def test_any_other_answer_is_an_error_of_one_line(
    tmp_path: Path, answer: bytes, error: type[EngineError], said: str
) -> None:
    with pytest.raises((EngineError, NodeNotFound), match=said) as caught:
        answered(tmp_path, answer, lambda engine: engine.container("x"))
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)


def test_an_engine_that_hangs_is_given_up_after_the_timeout(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="does not answer in time"):
        answered(tmp_path, None, lambda engine: engine.info(), timeout_s=0.05)


def test_an_engine_that_is_gone_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"the connection .* was lost"):
        Queries(Transport(Target(f"unix://{tmp_path}/none"), "1.41", 2)).info()


def test_a_list_is_not_taken_for_an_object(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable):
        answered(tmp_path, reply(json.dumps({"a": 1}).encode()), lambda engine: engine.networks({}))
