"""A link whose NATS connection comes and goes: its sockets and tasks."""

from __future__ import annotations

import asyncio
import socket
import ssl
from unittest.mock import Mock

import pytest
from nats.aio.client import Client as NatsClient

from stanlocal.stan.link import Link
from stanlocal.stan.nats_adapter import NatsAdapter


def reconnecting() -> Mock:
    """A NATS connection that is being made again: the socket of its latest attempt is open."""
    return Mock(NatsClient, is_connected=False, options={}, _subs={}, _transport=Mock())


def aborted(nats: Mock) -> int:
    """How often its socket was cut off."""
    return int(nats._transport._io_writer.transport.abort.call_count)


async def test_an_attempt_that_failed_leaves_no_socket() -> None:
    """nats-py leaves the socket of a server that took the connection and hung up to the garbage collector."""
    nats = reconnecting()
    await Link(NatsAdapter(nats), True, (), {})._note_error(OSError("hung up"))
    assert aborted(nats) == 1


async def test_an_error_of_a_working_connection_does_not_cut_it_off() -> None:
    """An error that the server reports does not cut it off."""
    nats = reconnecting()
    nats.is_connected = True
    await Link(NatsAdapter(nats), True, (), {})._note_error(OSError("a complaint"))
    assert aborted(nats) == 0


async def test_asking_elsewhere_does_not_disturb() -> None:
    """An unreachable server at another URL is no error of the connection that is just being made."""
    nats = reconnecting()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    link = Link(NatsAdapter(nats), True, (), {})
    assert not await link.ask_elsewhere(f"nats://127.0.0.1:{port}", "pings", b"", 1)
    assert aborted(nats) == 0
    assert link.last_error is None


async def test_a_close_that_does_not_end_leaves_no_task() -> None:
    """Where NATS cannot be closed in time its subscriptions are stopped and its socket is cut off."""
    nats = reconnecting()
    subscription = Mock()
    nats._subs = {1: subscription}
    nats.close = asyncio.Event().wait
    await NatsAdapter(nats).close(0.001)
    subscription._stop_processing.assert_called_once_with()
    assert aborted(nats) == 1


@pytest.mark.parametrize(
    ("code", "why", "advice"),
    [
        (20, "unable to get local issuer certificate", "check the CA that the client trusts ('--tls-ca')"),
        (64, "IP address mismatch, certificate is not valid for '127.0.0.1'.", "'--tls-name'"),
    ],
)
async def test_a_refused_certificate_is_said_in_words_with_the_option_that_helps(
    code: int, why: str, advice: str
) -> None:
    """The number of such an error is OpenSSL's; as one of the system it is `EPERM`."""
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED]")
    error.verify_code, error.verify_message = code, why
    said = str(Link(NatsAdapter(reconnecting()), True, ("nats://127.0.0.1:4222",), {})._connect_failed(error))
    assert f"no NATS server at nats://127.0.0.1:4222: certificate verify failed: {why.rstrip('.')}; " in said
    assert advice in said


async def test_another_failure_of_tls_is_no_error_of_the_system() -> None:
    nats = reconnecting()
    nats._server_info = {}
    error = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
    said = str(Link(NatsAdapter(nats), True, ("nats://127.0.0.1:4222",), {})._connect_failed(error))
    assert "WRONG_VERSION_NUMBER" in said
    assert "operation not permitted" not in said
