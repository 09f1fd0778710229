import asyncio
import gc
import json
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import pytest

from stanlocal.engine.artifacts.pull import PullProgress, pull
from stanlocal.engine.docker.json_lines import json_objects
from stanlocal.errors import ImageNotFound
from tests.support.fake_socket import FakeSocket, fake_socket

IMAGE = "nats-streaming:0.25.6"


def reports(*documents: dict[str, object], end: bool = True) -> bytes:
    """An engine's answer as it streams it: a chunk for each report."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    lines = [json.dumps(document).encode() + b"\r\n" for document in documents]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(line), line) for line in lines)
    return head + chunks + (b"0\r\n\r\n" if end else b"")


@contextmanager
def engine(
    path: Path, reply: bytes | None, *, hold: bool = False
) -> Iterator[tuple[docker.DockerClient, FakeSocket]]:
    with fake_socket(path / "docker.sock", reply, hold=hold) as fake:
        client = docker.DockerClient(base_url=fake.url, version="1.41")
        try:
            yield client, fake
        finally:
            client.close()
            for thread in threading.enumerate():
                if thread.name == "stanlocal-pull":
                    thread.join()
            # urllib3 leaves the socket of an answer that never began to the garbage collector.
            with warnings.catch_warnings(action="ignore", category=ResourceWarning):
                gc.collect()


async def test_a_pull_reports_its_progress_and_ends(tmp_path: Path) -> None:
    said: list[str] = []
    detail = {"current": 3_100_000, "total": 9_900_000}
    reply = reports(
        {"status": "Pulling from library/nats-streaming", "id": "0.25.6"},
        {"status": "Downloading", "id": "a", "progressDetail": detail},
        {"status": "Downloading", "id": "a", "progressDetail": detail},
        {"status": "Download complete", "id": "a", "progressDetail": {}},
    )
    with engine(tmp_path, reply) as (client, fake):
        await pull(client, IMAGE, said.append)
    assert said == [f"pulling {IMAGE}", f"pulling {IMAGE}: 3 of 10 MB"]
    assert fake.requests == [b"POST /v1.41/images/create?fromImage=nats-streaming&tag=0.25.6 HTTP/1.1"]


async def test_a_name_without_a_tag_does_not_pull_every_tag(tmp_path: Path) -> None:
    with engine(tmp_path, reports()) as (client, fake):
        await pull(client, "nats-streaming", lambda line: None)
    assert b"tag=latest" in fake.requests[0]


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (reports({"status": "Pulling"}, {"error": "unauthorized: log in\nmore"}), "unauthorized: log in$"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 24\r\n\r\n" + b'{"message": "no such i"}', "no such i$"),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "HTTP 500$"),
        (reports({"status": "Pulling"}, end=False), "cannot pull nats-streaming:0.25.6: .*ended prematurely"),
        (reports()[:-5] + b"2\r\n5\n\r\n0\r\n\r\n", "is not a JSON object: b'5'"),
        (
            reports()[:-5] + b"100800\r\n%s\r\n0\r\n\r\n" % (b" " * 0x100800),
            "a report of the engine is longer than 1048576 bytes",
        ),
        (reports()[:-5] + b"3\r\nno\n\r\n0\r\n\r\n", "Expecting value"),
    ],
    ids=[
        "an error while pulling",
        "an error at once",
        "an error without words",
        "cut off",
        "no object",
        "no end",
        "no JSON",
    ],
)
async def test_a_failed_pull_has_the_engines_reason(tmp_path: Path, reply: bytes, why: str) -> None:
    with (
        engine(tmp_path, reply) as (client, _),
        pytest.raises(ImageNotFound, match=why),
    ):
        await pull(client, IMAGE, lambda line: None)


@pytest.mark.parametrize(
    "reply", [None, reports({"status": "Pulling"}, end=False)], ids=["at all", "any more"]
)
async def test_a_registry_that_does_not_answer_is_given_up(tmp_path: Path, reply: bytes | None) -> None:
    with (
        engine(tmp_path, reply, hold=True) as (client, _),
        pytest.raises(ImageNotFound, match=r"no progress for 0\.2 s"),
    ):
        await pull(client, IMAGE, lambda line: None, silence_s=0.2)


async def test_a_cancelled_pull_ends_in_the_engine_too(tmp_path: Path) -> None:
    reply = reports({"status": "Downloading", "id": "a", "progressDetail": {"total": 9}}, end=False)
    with engine(tmp_path, reply, hold=True) as (client, fake):
        started = asyncio.Event()
        task = asyncio.create_task(pull(client, IMAGE, lambda line: started.set() if ": " in line else None))
        await asyncio.wait_for(started.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(fake.hung_up.wait, 10)


def test_progress_adds_up_the_layers_and_repeats_nothing() -> None:
    progress = PullProgress("i")

    def downloading(layer: str, current: int) -> str | None:
        detail = {"current": current, "total": 2_000_000}
        return progress.feed({"status": "Downloading", "id": layer, "progressDetail": detail})

    assert progress.feed({"status": "Pulling fs layer", "id": "a", "progressDetail": {}}) is None
    assert downloading("a", 1_000_000) == "pulling i: 1 of 2 MB"
    assert downloading("a", 1_000_001) is None
    assert downloading("b", 2_000_000) == "pulling i: 3 of 4 MB"


async def test_reports_wait_for_their_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that reports without end, to a busy event loop, takes no more and more memory."""
    detail = {"current": 1_000_000, "total": 2_000_000}
    downloading: dict[str, object] = {"status": "Downloading", "id": "a", "progressDetail": detail}
    all_read = threading.Event()

    def reading(chunks: Iterator[bytes]) -> Iterator[dict[str, Any]]:
        yield from json_objects(chunks)
        all_read.set()

    monkeypatch.setattr("stanlocal.engine.artifacts.pull.json_objects", reading)
    were_read: list[bool] = []
    with engine(tmp_path, reports(*[downloading] * 500)) as (client, _):
        await pull(client, IMAGE, lambda line: were_read.append(": " in line and all_read.wait(0.5)))
    assert were_read == [False, False]
    assert all_read.is_set()
