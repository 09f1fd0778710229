"""Ports of this machine for the pods of a group: on the cluster in memory, and on the real one."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import secrets
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from socket import socket
from subprocess import Popen
from typing import Any

import pytest

from stanlocal.api import FTGroup, core_of
from stanlocal.certificates.authority import issue, make_authority
from stanlocal.engine.forwarding import Address, Forwarding, NodeReach
from stanlocal.engine.kubernetes.forward import node_port
from stanlocal.errors import EngineError, NotAllowed, PortInUse
from stanlocal.stan.start import DeliverAll
from tests.kubernetes.conftest import REAL
from tests.kubernetes.guides_group import healthy, opened, without
from tests.kubernetes.sites import FakeSite, Site, forwarding_rules
from tests.support.cli import interrupt, the_error
from tests.support.greeter import Greeter, greeter
from tests.support.ports import free_ports
from tests.support.server import run_server

pytestmark = pytest.mark.timeout(180)
on_the_real_one = pytest.mark.parametrize("any_site", [REAL], indirect=True)
_WAIT_S = 60


@asynccontextmanager
async def forwarded(site: Site, ports: Mapping[str, int] | None = None) -> AsyncIterator[Forwarding]:
    async with opened(site) as group:
        core = await core_of(group)
        found = core.engine.forwarding((await core.find())[0], ports or {})
        assert found is not None
        async with found:
            yield found


@asynccontextmanager
async def with_greeters(site: FakeSite) -> AsyncIterator[dict[str, Greeter]]:
    """A group of two pods, with a server of the test behind the port of each."""
    async with healthy(site), greeter("zero") as zero, greeter("one") as one:
        site.cluster.behind[site.namespace, "stan-0"] = zero.port
        site.cluster.behind[site.namespace, "stan-1"] = one.port
        yield {"stan-0": zero, "stan-1": one}


@asynccontextmanager
async def connected(address: Address) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with asyncio.timeout(_WAIT_S):
        reader, writer = await asyncio.open_connection(*address)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


async def greeting(address: Address) -> bytes:
    """The first line behind the port; nothing if the connection is ended instead."""
    async with connected(address) as (reader, _):
        try:
            return await reader.readline()
        except ConnectionError:
            return b""


async def ends(reader: asyncio.StreamReader) -> None:
    """Return once the connection has ended, in order or not."""
    try:
        while await reader.read(65536):
            pass
    except ConnectionError:
        pass


async def test_bytes_pass_both_ways_unchanged(site: FakeSite) -> None:
    sent = secrets.token_bytes(3 << 20)
    async with with_greeters(site) as servers, forwarded(site) as ports:
        addresses = await ports.addresses()
        assert {host for host, _ in addresses.values()} == {"127.0.0.1"}
        async with connected(addresses["stan-1"]) as (reader, writer):
            assert await reader.readline() == servers["stan-1"].greeting

            async def write() -> None:
                for start in range(0, len(sent), 100_000):
                    writer.write(sent[start : start + 100_000])
                    await writer.drain()

            writing = asyncio.create_task(write())
            assert await reader.readexactly(len(sent)) == sent
            await writing


async def test_a_program_that_ends_its_side_still_gets_the_answer(site: FakeSite) -> None:
    async with with_greeters(site) as servers, forwarded(site) as ports:
        async with connected((await ports.addresses())["stan-0"]) as (reader, writer):
            writer.write(b"PING\r\n")
            writer.write_eof()
            assert await reader.read() == servers["stan-0"].greeting + b"PING\r\n"
        await servers["stan-0"].left.wait()  # it learns of the end, too


async def test_a_reader_that_waits_holds_the_pod_back(site: FakeSite) -> None:
    """What is on its way is in buffers of bounded size, not in this process's memory."""
    sent = 0
    held = asyncio.Event()

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        try:
            while sent < 256 << 20:
                writer.write(bytes(1 << 20))
                sent += 1 << 20
                async with asyncio.timeout(2):
                    await writer.drain()
        except TimeoutError:
            held.set()
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(flood, "127.0.0.1", 0)
    async with server, healthy(site):
        site.cluster.behind[site.namespace, "stan-0"] = server.sockets[0].getsockname()[1]
        async with forwarded(site) as ports, connected((await ports.addresses())["stan-0"]):
            await held.wait()
    assert 0 < sent < 128 << 20


async def test_a_port_that_is_closed_in_the_pod_resets_connections_at_once(site: FakeSite) -> None:
    async with healthy(site), forwarded(site) as ports:
        assert await greeting((await ports.addresses())["stan-0"]) == b""


async def test_a_port_stays_when_its_pod_is_replaced_and_its_connections_are_reset(site: FakeSite) -> None:
    """Even if the machine does not report their end."""
    site.cluster.end_noticed_s = 3600
    async with with_greeters(site) as servers, greeter("another") as another, forwarded(site) as ports:
        address = (await ports.addresses())["stan-0"]
        async with connected(address) as (reader, _), connected((await ports.addresses())["stan-1"]) as other:
            assert await reader.readline() == servers["stan-0"].greeting
            assert await other[0].readline() == servers["stan-1"].greeting
            site.cluster.behind[site.namespace, "stan-0"] = another.port
            await site.delete("stan-0")
            await ends(reader)
            assert await greeting(address) == another.greeting
            other[1].write(b"still\n")
            assert await other[0].readline() == b"still\n"
        assert (await ports.addresses())["stan-0"] == address


async def test_connections_to_a_machine_that_is_lost_are_reset(site: FakeSite) -> None:
    async with (
        with_greeters(site) as servers,
        forwarded(site) as ports,
        connected((await ports.addresses())["stan-0"]) as (reader, _),
    ):
        assert await reader.readline() == servers["stan-0"].greeting
        await site.cut("stan-0")
        site.cluster.report_lost(site.cluster.pods[site.namespace, "stan-0"].machine)
        await ends(reader)


async def test_ports_outlast_an_api_server_that_is_away(site: FakeSite) -> None:
    async with with_greeters(site) as servers, forwarded(site) as ports:
        address = (await ports.addresses())["stan-0"]
        async with connected(address) as (reader, _), aclosing(ports.changes()) as changes:
            assert await reader.readline() == servers["stan-0"].greeting
            assert {(await anext(changes)).problem, (await anext(changes)).problem} == {None}
            await site.cluster.stop()
            await ends(reader)
            assert await greeting(address) == b""
            away = {(await anext(changes)).problem, (await anext(changes)).problem}
            assert all("no answer from http://127.0.0.1" in str(problem) for problem in away)
            await site.cluster.start()
            again = [await anext(changes), await anext(changes)]
            assert {(each.problem, each.replaced) for each in again} == {(None, False)}
            assert await greeting(address) == servers["stan-0"].greeting


async def test_how_a_pod_is_reached_is_told_at_each_change(site: FakeSite) -> None:
    async with with_greeters(site), greeter("another") as another, forwarded(site) as ports:
        addresses = await ports.addresses()
        async with asyncio.timeout(_WAIT_S), aclosing(ports.changes()) as changes:
            first = sorted([await anext(changes), await anext(changes)], key=lambda each: each.node)
            assert first == [NodeReach(name, addresses[name], None) for name in ("stan-0", "stan-1")]
            del site.cluster.behind[site.namespace, "stan-1"]
            await site.delete("stan-1")
            gone = await anext(changes)
            assert (gone.node, gone.address) == ("stan-1", addresses["stan-1"])
            assert "failed to connect to localhost:4222" in str(gone.problem)
            site.cluster.behind[site.namespace, "stan-1"] = another.port
            assert await anext(changes) == NodeReach("stan-1", addresses["stan-1"], None, replaced=True)


async def test_a_further_pod_gets_a_port(site: FakeSite) -> None:
    async with (
        with_greeters(site),
        greeter("two") as two,
        forwarded(site) as ports,
        asyncio.timeout(_WAIT_S),
        aclosing(ports.changes()) as changes,
    ):
        assert {(await anext(changes)).node, (await anext(changes)).node} == {"stan-0", "stan-1"}
        site.cluster.behind[site.namespace, "stan-2"] = two.port
        site.cluster.scale("stan", 3, site.namespace)
        site.cluster.make_pod("stan", 2, site.namespace)
        found = await anext(changes)
        assert (found.node, found.problem) == ("stan-2", None)
        assert await greeting(found.address) == two.greeting


async def test_a_port_that_is_taken_is_named_with_its_owner(site: FakeSite) -> None:
    async with with_greeters(site) as servers:
        taken = servers["stan-0"].port
        with pytest.raises(PortInUse, match=rf"^port {taken} is taken by .*pid {os.getpid()}"):
            async with forwarded(site, {"stan-1": taken}):
                pass


@pytest.mark.parametrize("code", [errno.EACCES, errno.EMFILE])
@pytest.mark.parametrize(("wanted", "said"), [(80, "port 80"), (0, "a free port")])
async def test_a_port_that_this_process_may_not_have_is_not_called_taken(
    code: int, wanted: int, said: str, site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(address: Address) -> socket:
        raise OSError(code, f"{os.strerror(code)} (while attempting to bind on address {address})")

    async with with_greeters(site):
        monkeypatch.setattr(node_port, "create_server", refuse)
        with pytest.raises(EngineError) as caught:
            async with forwarded(site, {"stan-0": wanted}):
                pass
    assert type(caught.value) is EngineError
    assert str(caught.value) == f"cannot listen on {said} of 127.0.0.1: {os.strerror(code)}"


@pytest.mark.parametrize("lacking", ["pods/portforward", "pods"])
async def test_what_the_role_lacks_is_named_before_any_client_connects(site: FakeSite, lacking: str) -> None:
    async with with_greeters(site):
        without(site, lacking)  # the role for looking never has the first
        done = await asyncio.to_thread(site.cli().run, "pub", "orders", "one")
        assert done.returncode == 3
        error = the_error(done)
        assert f'resource "{lacking}"' in error
        assert "docs/clusters.md has the role" in error
        with pytest.raises(NotAllowed, match=lacking):
            async with forwarded(site):
                pass


# The command


@contextmanager
def command(site: Site, *arguments: str) -> Iterator[Popen[str]]:
    with site.cli().started("forward", "--json", *arguments) as process:
        yield process


async def line_of(process: Popen[str]) -> Any:
    assert process.stdout is not None
    async with asyncio.timeout(_WAIT_S):
        return json.loads(await asyncio.to_thread(process.stdout.readline))


async def test_the_command_shows_a_port_for_each_pod_and_when_one_is_replaced(any_site: Site) -> None:
    async with AsyncExitStack() as stack:
        if isinstance(any_site, FakeSite):
            await stack.enter_async_context(with_greeters(any_site))
        else:
            await stack.enter_async_context(healthy(any_site))
        with command(any_site) as process:
            first = {line["node"]: line for line in (await line_of(process), await line_of(process))}
            assert sorted(first) == ["stan-0", "stan-1"]
            assert {(line["reachable"], line["problem"]) for line in first.values()} == {(True, None)}
            url = first["stan-1"]["url"]
            assert url.startswith("nats://127.0.0.1:")
            await any_site.delete("stan-1")
            if isinstance(any_site, FakeSite):
                another = await stack.enter_async_context(greeter("another"))
                any_site.cluster.behind[any_site.namespace, "stan-1"] = another.port
            while not (line := await line_of(process))["replaced"]:
                assert line["node"] == "stan-1"
            assert (line["node"], line["url"], line["reachable"]) == ("stan-1", url, True)
            host, port = url.removeprefix("nats://").split(":")
            assert (await greeting((host, int(port)))).startswith(b"INFO {")
            assert await asyncio.to_thread(lambda: interrupt(process)[0]) == 130


@on_the_real_one
async def test_the_command_shows_that_the_api_server_is_away_and_when_it_is_back(any_site: Site) -> None:
    async with healthy(any_site):
        with command(any_site) as process:
            before = [await line_of(process), await line_of(process)]
            await any_site.restart_api()
            away: set[str] = set()
            back: set[str] = set()
            while len(back) < 2:
                line = await line_of(process)
                assert line["url"] in {each["url"] for each in before}
                assert (line["problem"] is None) == line["reachable"]
                (back if line["reachable"] else away).add(line["node"])
            assert away == back == {"stan-0", "stan-1"}


async def test_for_people_it_prints_a_line_a_pod_with_the_ports_that_were_asked_for(site: FakeSite) -> None:
    (first, second) = sorted(free_ports(2))
    async with with_greeters(site):
        with site.cli().started("forward", "--port", str(first)) as process:
            assert process.stdout is not None
            lines = {await asyncio.to_thread(process.stdout.readline)}
            if second == first + 1:
                lines.add(await asyncio.to_thread(process.stdout.readline))
            assert lines <= {f"stan-0 → 127.0.0.1:{first}\n", f"stan-1 → 127.0.0.1:{first + 1}\n"}
            process.send_signal(signal.SIGTERM)


# Clients through ports of their own

_CONF = """
listen: "127.0.0.1:{port}"
{nats}
streaming {{ id: "test-cluster", store: memory, {streaming} }}
"""


@contextmanager
def server_behind(
    site: FakeSite, binary: Path, folder: Path, nats: str = "", streaming: str = ""
) -> Iterator[None]:
    """A real server behind the port of each pod."""
    (port,) = free_ports(1)
    conf = _CONF.format(port=port, nats=nats, streaming=streaming)
    with run_server(binary, conf, folder / "server") as server:
        server.wait_for("Streaming Server is ready")
        for pod in ("stan-0", "stan-1"):
            site.cluster.behind[site.namespace, pod] = port
        yield


@pytest.mark.server
async def test_messages_go_through_ports_that_commands_open_themselves(
    site: FakeSite, server_binary: Path, tmp_path: Path
) -> None:
    async with healthy(site) as (group, _):
        with server_behind(site, server_binary, tmp_path):
            assert (await site.run("pub", "orders", "one", "two"))["acked"] == 2
            line = await asyncio.to_thread(
                site.cli().ok, "sub", "orders", "--all", "--count", "2", "--timeout", "60", "--json"
            )
            assert [json.loads(each)["data"] for each in line.splitlines()] == ["one", "two"]
            bench = await site.run("bench", "bench", "--subs", "1", "--count", "200")
            assert bench["deliver"]["messages"] == 200
            await through_the_api(group)


async def through_the_api(group: FTGroup) -> None:
    async with group.connect("api") as client, group.connect("other", first=1) as other:
        await client.publish("by-api", b"1")
        subscription = await other.subscribe("by-api", start=DeliverAll())
        async with asyncio.timeout(_WAIT_S):
            message = await anext(aiter(subscription))
        assert message.data == b"1"


@pytest.mark.server
async def test_login_and_certificate_are_those_of_the_pods(
    site: FakeSite, server_binary: Path, tmp_path: Path
) -> None:
    """TLS checks the pod's name, although the connection goes to 127.0.0.1."""
    authority = make_authority("test")
    pair = issue(authority, "server", hosts=["stan-0.stan.default.svc", "127.0.0.1", "localhost"])
    for name, content in (("ca", authority.certificate), ("cert", pair.certificate), ("key", pair.key)):
        (tmp_path / f"{name}.pem").write_bytes(content)
    (tmp_path / "password").write_text("s3cret\n")
    nats = (
        f'tls {{ cert_file: "{tmp_path}/cert.pem", key_file: "{tmp_path}/key.pem" }}\n'
        'authorization { user: stan, password: "s3cret" }'
    )
    own = f'secure: true, username: stan, password: "s3cret", tls {{ client_ca: "{tmp_path}/ca.pem" }}'
    async with healthy(site):
        with server_behind(site, server_binary, tmp_path, nats, own):
            login = ("--user", "stan", "--password-file", str(tmp_path / "password"))
            trusted = ("--tls-ca", str(tmp_path / "ca.pem"))
            assert (await site.run("pub", "orders", "one", *login, *trusted))["acked"] == 1
            other = issue(authority, "server", hosts=["127.0.0.1", "localhost"])
            (tmp_path / "cert.pem").write_bytes(other.certificate)
            (tmp_path / "key.pem").write_bytes(other.key)
        with server_behind(site, server_binary, tmp_path, nats, own):
            done = await asyncio.to_thread(site.cli().run, "pub", "orders", "two", *login, *trusted)
            assert done.returncode == 1
            assert "stan-0.stan.default.svc" in the_error(done)


@on_the_real_one
async def test_no_acknowledged_message_is_lost_when_the_active_pod_is_deleted(any_site: Site) -> None:
    count, seen = 1500, set[int]()
    async with healthy(any_site) as (group, active), group.connect("reader", reconnect=True) as reader:
        subscription = await reader.subscribe("orders", start=DeliverAll())
        publish = ("pub", "orders", "--count", str(count), "--rate", "200", "--json")
        with any_site.cli().started(*publish) as publishing:
            async with asyncio.timeout(2 * any_site.timeout):
                async for message in subscription:  # it may come twice: it is stored at least once
                    seen.add(int(message.data.split()[0]))
                    if len(seen) == count // 4:
                        await any_site.delete(active)
                    if len(seen) == count:
                        break
            report, complaint = await asyncio.to_thread(publishing.communicate)
            assert publishing.returncode == 0, complaint
    assert json.loads(report)["acked"] == count
    assert seen == set(range(count))


@on_the_real_one
async def test_the_documented_role_is_enough_to_forward(any_site: Site) -> None:
    async with healthy(any_site):
        any_site.allow(forwarding_rules())
        async with opened(any_site) as group:
            await through_the_api(group)
        with command(any_site) as process:
            assert {(await line_of(process))["reachable"], (await line_of(process))["reachable"]} == {True}


@on_the_real_one
async def test_a_drill_in_the_group_that_runs_loses_nothing(
    any_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANLOCAL_KUBERNETES__ALLOW_FAULTS", "stanlocal-*")
    async with healthy(any_site):
        drill = ("drill", "kill-loop", "--kill-active", "1", "--max-outage", "60")
        verdict = await any_site.run(*drill, "--here", "--yes")
        assert (verdict["ok"], verdict["lost"], verdict["unexpected"]) == (True, 0, 0), verdict
        assert verdict["acked"] > 0
