"""Requests that change something on an engine: what is sent, and what a refusal becomes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from stanlocal.engine.docker.api import Api
from stanlocal.engine.docker.endpoint import Endpoint, sdk_client
from stanlocal.engine.docker.errors import words_of
from stanlocal.engine.docker.ping import Answer, Target
from stanlocal.engine.docker.transport import Transport
from stanlocal.errors import EngineUnavailable, ImageNotFound, NameConflict, PortInUse, StanlocalError
from tests.support.fake_socket import fake_socket

Request = Callable[[Api], object]


@contextmanager
def _api(url: str) -> Iterator[Api]:
    endpoint, answer = Endpoint("a test", Target(url)), Answer("1.41")
    with closing(Api(Transport(endpoint.target, "1.41", 2), lambda: sdk_client(endpoint, answer))) as api:
        yield api


def reply(body: bytes = b"", status: int = 200) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def sent(folder: Path, request: Request, answer: bytes) -> list[bytes]:
    """Return the first line of each request; the answer is the same for all."""
    with fake_socket(folder / "docker.sock", answer) as fake:
        with _api(fake.url) as api:
            request(api)
        return fake.requests


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        (lambda api: api.create("stan-0", {}), "POST containers/create?name=stan-0"),
        (lambda api: api.start("a"), "POST containers/a/start"),
        (lambda api: api.stop("a", 30), "POST containers/a/stop?t=30"),
        (lambda api: api.kill("a", "SIGKILL"), "POST containers/a/kill?signal=SIGKILL"),
        (lambda api: api.pause("a"), "POST containers/a/pause"),
        (lambda api: api.unpause("a"), "POST containers/a/unpause"),
        (lambda api: api.limit_cpu("a", 100_000, 1000), "POST containers/a/update"),
        (lambda api: api.remove("a"), "DELETE containers/a?v=False&link=False&force=True"),
        (lambda api: api.remove("a", volumes=True), "DELETE containers/a?v=True&link=False&force=True"),
        (lambda api: api.put_archive("a", "/x y", b"tar"), "PUT containers/a/archive?path=%2Fx+y"),
        (lambda api: api.put_archive("a", "/", io.BytesIO(b"tar")), "PUT containers/a/archive?path=%2F"),
        (lambda api: api.create_network("n", {}, internal=True), "POST networks/create"),
        (lambda api: api.connect("n", "a", ["alias"]), "POST networks/n/connect"),
        (lambda api: api.disconnect("n", "a"), "POST networks/n/disconnect"),
        (lambda api: api.remove_network("n"), "DELETE networks/n"),
        (lambda api: api.create_volume("v", {}, None), "POST volumes/create"),
        (lambda api: api.remove_volume("v"), "DELETE volumes/v"),
    ],
)
def test_each_change_is_one_request(tmp_path: Path, request_: Request, line: str) -> None:
    method, path = line.split(" ")
    assert sent(tmp_path, request_, reply(b'{"Id": "1"}')) == [f"{method} /v1.41/{path} HTTP/1.1".encode()]


@pytest.mark.parametrize(
    ("words", "status", "kind"),
    [
        ("Bind for 127.0.0.1:4222 failed: port is already allocated", 500, PortInUse),
        ('Conflict. The container name "/stan-0" is already in use by container "59cf"', 409, NameConflict),
        ("No such image: nats-streaming:0.25.6", 404, ImageNotFound),
    ],
)
def test_a_refusal_is_an_error_of_stanlocal_that_keeps_the_engines_words(
    tmp_path: Path, words: str, status: int, kind: type[StanlocalError]
) -> None:
    answer = reply(json.dumps({"message": words}).encode(), status)
    with pytest.raises(kind) as caught:
        sent(tmp_path, lambda api: api.create("stan-0", {}), answer)
    assert words_of(caught.value) == words


def test_an_engine_that_goes_away_has_said_nothing(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable) as caught:
        sent(tmp_path, lambda api: api.start("a"), b"")
    assert words_of(caught.value) is None
