"""`pub`, `sub` and `bench` as processes, against a real server, and together with Go's tools."""

from __future__ import annotations

import asyncio
import base64
import json
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from stanlocal import stan
from tests.conftest import unavailable
from tests.integration.stan.conftest import Connect
from tests.integration.stan.ft_processes import Group
from tests.integration.stan.helpers import fill

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[3]
GO_TOOLS = "github.com/nats-io/stan.go/examples/{name}@v0.10.4"


async def run(group: Group, *arguments: str, given: bytes | None = None, code: int = 0) -> tuple[str, str]:
    """Run a command to its end against the group; what it wrote."""
    process = await _start(group, *arguments)
    out, err = await asyncio.wait_for(process.communicate(given), 30)
    assert process.returncode == code, err.decode()
    return out.decode(), err.decode()


async def _start(group: Group, *arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "stanlocal",
        *arguments,
        "--url",
        ",".join(group.urls),
        "--cluster-id",
        group.cluster_id,
        cwd=ROOT,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )


@asynccontextmanager
async def running(group: Group, *arguments: str) -> AsyncIterator[Process]:
    """A command that runs; killed if the test does not end it."""
    process = await _start(group, *arguments)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line(process: Process) -> str:
    """The next line the process writes."""
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 15)).decode().rstrip("\n")


@pytest.fixture(scope="session")
def go_tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Go's stan-pub and stan-sub, built; without Go the test is skipped, and fails when CI=true."""
    try:
        gopath = subprocess.run(["go", "env", "GOPATH"], capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        unavailable("no go command: install Go to test together with Go's client")
    folder = Path(gopath.strip()) / "bin"
    for name in ("stan-pub", "stan-sub"):
        if not (folder / name).exists():
            subprocess.run(["go", "install", GO_TOOLS.format(name=name)], check=True, timeout=300)
    return folder


async def test_pub_publishes_its_arguments(group: Group, client: stan.Client, channel: str) -> None:
    """Each MESSAGE is a message; the report is one JSON document on standard output."""
    out, _ = await run(group, "--json", "pub", channel, "one", "zwölf", "")
    report = json.loads(out)
    assert report.keys() == {"channel", "published", "acked", "seconds", "rate"}
    assert (report["channel"], report["published"], report["acked"]) == (channel, 3, 3)
    subscription = await client.subscribe(channel, start=stan.DeliverAll())
    assert [(await anext(subscription)).data for _ in range(3)] == [b"one", "zwölf".encode(), b""]


async def test_pub_reports_to_people_on_standard_error(group: Group, channel: str) -> None:
    """Without --json standard output stays empty."""
    out, err = await run(group, "pub", channel, "one", "--count", "5")
    assert out == ""
    assert "published 5" in err
    assert "5 acknowledged" in err


async def test_pub_makes_messages_up(group: Group, client: stan.Client, channel: str) -> None:
    """--count and --size make messages of exactly that size; --rate spaces them."""
    out, _ = await run(group, "--json", "pub", channel, "--count", "20", "--size", "64", "--rate", "100")
    report = json.loads(out)
    assert report["acked"] == 20
    assert report["seconds"] >= 0.19
    subscription = await client.subscribe(channel, start=stan.DeliverAll())
    messages = [await anext(subscription) for _ in range(20)]
    assert {len(message.data) for message in messages} == {64}


async def test_pub_reads_lines_from_standard_input_byte_for_byte(
    group: Group, client: stan.Client, channel: str
) -> None:
    """--stdin publishes each line without its line feed, whatever its bytes; also a last one without."""
    lines = [b"plain", b"", b"\xff\x00\r", b"x" * 100_000, b"no end"]
    out, _ = await run(group, "--json", "pub", channel, "--stdin", given=b"\n".join(lines))
    assert json.loads(out)["acked"] == len(lines)
    subscription = await client.subscribe(channel, start=stan.DeliverAll())
    assert [(await anext(subscription)).data for _ in lines] == lines


async def test_pub_goes_on_where_a_server_no_longer_knows_it(make_group: Callable[..., Group]) -> None:
    """A server that is restarted without its data forgets the client, which registers again by itself."""
    group = make_group(nodes=1, ft=False, streaming='store: "MEMORY"')
    await asyncio.to_thread(group.start)
    async with (
        running(group, "--json", "pub", "c", "--stdin") as process,
        stan.connect(
            group.urls, cluster_id=group.cluster_id, client_id="reader", retry=True, reconnect=True
        ) as client,
    ):
        assert process.stdin is not None
        subscription = await client.subscribe("c")
        process.stdin.write(b"before\n")
        assert (await asyncio.wait_for(anext(subscription), 30)).data == b"before"
        await asyncio.to_thread(group.nodes[0].kill)
        process.stdin.write(b"meanwhile\n")
        await asyncio.to_thread(group.start)
        out, err = await asyncio.wait_for(process.communicate(b"after\n"), 60)
        assert process.returncode == 0, err.decode()
        assert json.loads(out)["acked"] == 3


async def test_a_goodbye_that_no_server_hears_is_no_failure_of_pub(make_group: Callable[..., Group]) -> None:
    """Everything is acknowledged when the only server ends; the report is printed nevertheless."""
    group = make_group(nodes=1, ft=False)
    await asyncio.to_thread(group.start)
    async with (
        running(group, "--json", "pub", "c", "--stdin") as process,
        stan.connect(group.urls, cluster_id=group.cluster_id, client_id="reader") as client,
    ):
        assert process.stdin is not None
        subscription = await client.subscribe("c")
        process.stdin.write(b"one\n")
        assert (await asyncio.wait_for(anext(subscription), 30)).data == b"one"
        for _ in range(2):  # the ack of a message is sent before the next one is stored
            await client.publish("c", b"two")
        await asyncio.to_thread(group.nodes[0].kill)
        out, err = await asyncio.wait_for(process.communicate(b""), 60)
        await asyncio.to_thread(group.start)  # for the goodbye of the test's own client
        assert process.returncode == 0, err.decode()
        assert json.loads(out)["acked"] == 1
        assert "until it misses its heartbeats" in err.decode()


async def test_pub_publishes_a_line_as_it_comes(group: Group, client: stan.Client, channel: str) -> None:
    """A line is published when it is there, not when its pipe ends."""
    subscription = await client.subscribe(channel)
    async with running(group, "pub", channel, "--stdin") as process:
        assert process.stdin is not None
        for text in (b"first", b"second"):
            process.stdin.write(text + b"\n")
            assert (await asyncio.wait_for(anext(subscription), 15)).data == text
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 10) == 130


@pytest.mark.parametrize(
    "arguments",
    [
        ("pub", "c"),
        ("pub", "c", "x", "--stdin"),
        ("pub", "c", "x", "--size", "3"),
        ("pub", "c", "--count", "0"),
        ("sub", "c", "--all", "--last"),
        ("sub", "c", "--since", "yesterday"),
        ("bench", "c", "--pubs", "0"),
    ],
)
async def test_usage_errors(group: Group, arguments: tuple[str, ...]) -> None:
    """Contradictory options are bad usage: exit code 2, and a message on standard error."""
    _, err = await run(group, *arguments, code=2)
    assert err.startswith("error: ")


async def test_sub_prints_messages_as_they_arrive(group: Group, client: stan.Client, channel: str) -> None:
    """A message is printed at once; Ctrl-C ends with 130, and a durable has every ack."""
    async with running(
        group, "sub", channel, "--durable", "d", "--all", "--client-id", f"cli-{channel[2:]}"
    ) as process:
        for number in range(3):
            await client.publish(channel, b"message %d" % number)
            assert await line(process) == f"[{number + 1}] message {number}"
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 10) == 130
    await client.publish(channel, b"next")
    out, _ = await run(
        group, "sub", channel, "--durable", "d", "--count", "1", "--client-id", f"cli-{channel[2:]}"
    )
    assert out == "[4] next\n"


async def test_sub_as_json(group: Group, client: stan.Client, channel: str) -> None:
    """--json prints a document a line: text as text, other bytes as base64."""
    await client.publish(channel, b"text")
    await client.publish(channel, b"\xff\x00")
    out, _ = await run(group, "--json", "sub", channel, "--all", "--count", "2")
    first, second = map(json.loads, out.splitlines())
    assert first.keys() == {"channel", "seq", "data", "timestamp", "redelivered", "redelivery_count"}
    assert (first["channel"], first["seq"], first["data"]) == (channel, 1, "text")
    assert (first["redelivered"], first["redelivery_count"]) == (False, 0)
    assert first["timestamp"] > 1_500_000_000_000_000_000
    assert "data" not in second
    assert base64.b64decode(second["data_base64"]) == b"\xff\x00"


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        (("--all",), "[1] 1\n[2] 2\n[3] 3\n"),
        (("--last",), "[3] 3\n"),
        (("--seq", "2"), "[2] 2\n[3] 3\n"),
        (("--since", "1h"), "[1] 1\n[2] 2\n[3] 3\n"),
        (("--since", "2020-01-01T00:00:00Z"), "[1] 1\n[2] 2\n[3] 3\n"),
    ],
)
async def test_sub_start_positions(
    group: Group, client: stan.Client, channel: str, option: tuple[str, ...], expected: str
) -> None:
    """Each start option prints exactly what it says."""
    await fill(client, channel, 3)
    out, _ = await run(group, "sub", channel, *option, "--count", str(expected.count("\n")))
    assert out == expected


async def test_sub_timeout_is_exit_code_1(group: Group, channel: str) -> None:
    """Fewer messages than --count within --timeout: exit code 1, with a word on why."""
    _, err = await run(group, "sub", channel, "--count", "2", "--timeout", "0.3", code=1)
    assert f"fewer than 2 messages on {channel} within 0.3 s" in err


async def test_sub_manual_ack_leaves_messages_unacknowledged(
    group: Group, client: stan.Client, channel: str
) -> None:
    """With --manual-ack nothing is acknowledged: the message comes again, marked."""
    await client.publish(channel, b"x")
    out, _ = await run(group, "sub", channel, "--all", "--manual-ack", "--ack-wait", "1", "--count", "2")
    assert out == "[1] x\n[1] (redelivered 1) x\n"


async def test_sub_unsubscribe_removes_the_durable(group: Group, client: stan.Client, channel: str) -> None:
    """With --unsubscribe the durable is gone afterwards: the next one starts afresh."""
    await fill(client, channel, 2)
    options = ("sub", channel, "--durable", "d", "--all", "--count", "2", "--client-id", f"cli-{channel[2:]}")
    for _ in range(2):
        out, _ = await run(group, *options, "--unsubscribe")
        assert out == "[1] 1\n[2] 2\n"


@pytest.mark.parametrize("sync", [(), ("--sync",)])
async def test_bench_measures_publishing_and_delivery(
    group: Group, channel: str, sync: tuple[str, ...]
) -> None:
    """Every message is published and delivered to every subscriber; rates and latencies are reported."""
    options = ("--pubs", "2", "--subs", "2", "--count", "301")
    out, _ = await run(group, "--json", "bench", channel, *options, *sync)
    report = json.loads(out)
    assert report["publish"]["messages"] == 301
    assert report["deliver"]["messages"] == 602
    for part in (report["publish"], report["deliver"]):
        assert part["rate"] > 0
        assert part["latency_ms"].keys() == {"p50", "p95", "p99", "max"}
        assert 0 < part["latency_ms"]["p50"] <= part["latency_ms"]["max"]


async def test_gos_stan_pub_to_sub(group: Group, channel: str, go_tools: Path) -> None:
    """`sub` prints the messages of Go's stan-pub."""
    async with running(group, "sub", channel, "--all", "--count", "1") as process:
        await _go(go_tools / "stan-pub", "-s", group.urls[0], "-c", group.cluster_id, channel, "from Go")
        assert await line(process) == "[1] from Go"


async def test_pub_to_gos_stan_sub(group: Group, channel: str, go_tools: Path) -> None:
    """Go's stan-sub prints the messages of `pub`."""
    await run(group, "pub", channel, "from Python")
    process = await asyncio.create_subprocess_exec(
        go_tools / "stan-sub",
        "-s",
        group.urls[0],
        "-c",
        group.cluster_id,
        "-id",
        "go-sub",
        channel,
        stderr=PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(15):
            async for text in process.stderr:
                if b"Received" in text:
                    assert b'data:"from Python"' in text
                    break
            else:
                pytest.fail("stan-sub ended without a message")
    finally:
        process.terminate()
        await process.communicate()


async def _go(*command: object) -> None:
    process = await asyncio.create_subprocess_exec(*map(str, command), stderr=PIPE)
    _, err = await asyncio.wait_for(process.communicate(), 15)
    assert process.returncode == 0, err.decode()


async def test_failed_connect_is_the_clients_error(connect: Connect, group: Group, channel: str) -> None:
    """A cluster id that no one serves ends the command with the client's own one-line error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "stanlocal", "sub", channel, "--url", group.urls[0],
        "--cluster-id", "nobodys", "--timeout", "1", cwd=ROOT, stderr=PIPE,
    )  # fmt: skip
    _, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert "no streaming server for cluster id 'nobodys'" in err.decode().splitlines()[-1]
