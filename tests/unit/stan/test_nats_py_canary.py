"""Every private thing of nats-py that `stan.nats_adapter` relies on, named with the reason it is needed.

A failure here means that the installed nats-py has changed: see what became of the thing named, adapt the
adapter, and only then raise the pin in `pyproject.toml`.
"""

from __future__ import annotations

import asyncio
import inspect
from importlib.metadata import requires, version
from typing import Any
from urllib.parse import urlparse

import nats.aio.client
import pytest
from nats.aio.client import Client, Srv
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.aio.transport import TcpTransport
from nats.errors import ProtocolError

from stanlocal.stan import nats_adapter
from stanlocal.stan.parser import NotNats

ATTRIBUTES = {
    "_ps": "the parser, replaced by DirectParser",
    "_transport": "frames are written to it directly",
    "_pending": "frames of nats-py's own that are written first",
    "_pending_data_size": "it goes with _pending",
    "_flush_queue": "wakes the task that writes _pending",
    "_server_pool": "other servers are found in it, and one is preferred",
    "_server_info": "says whether the server asks for authorization",
    "_subs": "subscriptions are ended when closing takes too long",
    "_err": "the reason of a connection that was given up",
    "_error_cb": "replaced once the client is connected",
    "_disconnected_cb": "put in front of the caller's",
    "_reconnected_cb": "put in front of the caller's",
    "_closed_cb": "put in front of the caller's",
}

METHODS = {
    "_process_connect_init": (["self"], "guarded against an INFO that cannot be"),
    "_process_info": (["self", "info", "initial_connection"], "guarded against an INFO that cannot be"),
    "_attempt_reconnect": (["self"], "guarded, as no one awaits it"),
    "_connect_to_server": (["self", "s"], "connects to another address than the URL's"),
    "_process_ping": (["self"], "the parser hands PING on"),
    "_process_pong": (["self"], "the parser hands PONG on"),
    "_process_err": (["self", "err_msg"], "the parser hands -ERR on"),
    "_process_msg": (["self", "sid", "subject", "reply", "data", "headers"], "the parser hands messages on"),
}


def changed(thing: str, reason: str) -> str:
    return f"nats-py {version('nats-py')} has another {thing} than stan/nats_adapter.py relies on ({reason})"


@pytest.mark.parametrize(("name", "reason"), ATTRIBUTES.items())
async def test_the_client_has_the_attribute(name: str, reason: str) -> None:
    assert hasattr(Client(), name), changed(f"Client.{name}", reason)


@pytest.mark.parametrize(("name", "expected"), METHODS.items())
def test_the_client_has_the_method_with_these_parameters(name: str, expected: tuple[list[str], str]) -> None:
    parameters, reason = expected
    method = getattr(Client, name, None)
    assert inspect.iscoroutinefunction(method), changed(f"Client.{name}", reason)
    assert list(inspect.signature(method).parameters) == parameters, changed(f"Client.{name}", reason)


@pytest.mark.parametrize("name", ["parse", "reset"])
def test_the_parser_is_asked_for_nothing_else(name: str) -> None:
    """nats-py's client uses of its parser only what `DirectParser` has."""
    source = inspect.getsource(nats.aio.client)
    used = {part.split("(")[0] for part in source.split("self._ps.")[1:]}
    assert name in used, changed(f"use of Client._ps.{name}", "DirectParser stands in for the parser")
    assert used <= {"parse", "reset"}, changed(f"use of Client._ps: {used}", "DirectParser has no more")


@pytest.mark.parametrize("name", ["_io_reader", "_io_writer"])
def test_a_tcp_transport_has_its_streams(name: str) -> None:
    """The reader is tapped, and the writer's transport is aborted."""
    transport: Any = TcpTransport
    assert hasattr(transport(), name), changed(f"TcpTransport.{name}", "it is tapped or aborted")


def test_a_server_of_the_pool_can_be_preferred_and_told_from_given_ones() -> None:
    server = Srv(urlparse("nats://127.0.0.1:4222"))
    for name in ("uri", "last_attempt", "discovered"):
        assert hasattr(server, name), changed(f"Srv.{name}", "servers of the pool are chosen by it")


async def test_a_subscription_can_be_numbered_and_stopped() -> None:
    subscription: Any = Subscription(Client(), 7, "subject")
    assert subscription._id == 7, changed("Subscription._id", "handlers are found by it")
    assert callable(getattr(subscription, "_stop_processing", None)), changed(
        "Subscription._stop_processing", "ends a subscription that nats-py forgot"
    )


async def test_a_future_takes_every_message_of_a_subscription() -> None:
    """The stand-in for a future gets each message, not only the first."""
    seen: list[bytes] = []
    client = Client()
    sink = nats_adapter._Sink(lambda subject, data, reply, nobody: seen.append(data))
    client._subs[1] = Subscription(client, 1, "subject", future=sink)  # type: ignore[arg-type]
    for data in (b"a", b"b"):
        await client._process_msg(1, b"subject", b"", data, b"")
    assert seen == [b"a", b"b"], changed("Client._process_msg", "it sets each message as the future's result")


async def test_no_responders_is_a_status_header() -> None:
    seen: list[bool] = []
    client = Client()
    sink = nats_adapter._Sink(lambda subject, data, reply, nobody: seen.append(nobody))
    client._subs[1] = Subscription(client, 1, "subject", future=sink)  # type: ignore[arg-type]
    await client._process_msg(1, b"subject", b"", b"", b"NATS/1.0 503\r\n\r\n")
    await client._process_msg(1, b"subject", b"", b"x", b"")
    assert seen == [True, False], changed("Client._process_headers", "503 says that no one listens")
    assert Msg(client, headers={"Status": "503"}).headers, changed(
        "Msg.headers", "503 says that no one listens"
    )


def test_the_options_and_statistics_are_those_written_to() -> None:
    """Both are public, but not what is in them."""
    client = Client()
    assert {"in_msgs", "in_bytes", "out_msgs", "out_bytes"} <= client.stats.keys(), changed(
        "Client.stats", "messages are counted there"
    )
    source = inspect.getsource(Client._select_next_server)
    assert 'options["reconnect_time_wait"]' in source, changed(
        'Client.options["reconnect_time_wait"]', "it grows while there is no server"
    )


def test_a_protocol_error_ends_in_a_reconnect() -> None:
    assert "errors.ProtocolError" in inspect.getsource(Client._read_loop), changed(
        "Client._read_loop", "DirectParser raises a ProtocolError to connect again"
    )
    assert issubclass(NotNats, ProtocolError)


def test_nats_py_is_pinned_below_its_next_minor_version() -> None:
    """Private parts may change with any minor version."""
    major, minor, *_ = (int(part) for part in version("nats-py").split("."))
    pins = [line for line in requires("stanlocal") or [] if line.startswith("nats-py")]
    assert len(pins) == 1
    assert f"<{major}.{minor + 1}" in pins[0]
    assert f">={major}.{minor}" in pins[0]


async def test_a_protocol_of_asyncio_knows_whether_it_is_over_tls() -> None:
    """nats-py makes one by hand for TLS, and asyncio warns at its end unless it knows of that."""
    protocol = asyncio.StreamReaderProtocol(asyncio.StreamReader())
    assert protocol._over_ssl is False  # type: ignore[attr-defined]
    protocol._over_ssl = True  # type: ignore[attr-defined]
    assert protocol.eof_received() is False


async def test_a_tcp_transport_of_asyncio_reads_no_more_than_its_max_size() -> None:
    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 100)
        writer.close()

    reads: list[int] = []

    async with await asyncio.start_server(send, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        transport: Any = writer.transport
        assert hasattr(transport, "max_size"), "asyncio has another limit than stan/nats_adapter.py relies on"
        transport.max_size = 60
        pass_on = reader.feed_data

        def feed(data: bytes) -> None:
            reads.append(len(data))
            pass_on(data)

        reader.feed_data = feed  # type: ignore[method-assign,assignment]
        assert len(await reader.read(-1)) == 100
        writer.close()
    assert max(reads) <= 60
