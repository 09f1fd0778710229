"""A CA and its certificates, as a TLS library judges them."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stanlocal.certificates.authority import KeyPair, expiry, is_good, issue, make_authority

HOSTS = ["localhost", "127.0.0.1", "::1", "stan-0.stan"]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority() -> KeyPair:
    return make_authority("CA of the group t")


def contexts(folder: Path, authority: KeyPair, pair: KeyPair) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context and a client's; both show the pair and demand that the CA has signed the other's."""
    for name, content in (("ca", authority.certificate), ("cert", pair.certificate), ("key", pair.key)):
        (folder / name).write_bytes(content)
    made = []
    for purpose in (ssl.Purpose.CLIENT_AUTH, ssl.Purpose.SERVER_AUTH):
        context = ssl.create_default_context(purpose, cafile=str(folder / "ca"))
        context.verify_mode = ssl.CERT_REQUIRED
        if sys.version_info >= (3, 13):  # the default there, wanted of every certificate here
            assert context.verify_flags & ssl.VERIFY_X509_STRICT
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.load_cert_chain(folder / "cert", folder / "key")
        made.append(context)
    return made[0], made[1]


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> None:
    """Both ends of a TLS connection over a pair of sockets; raises what the client finds wrong."""
    near, far = socket.socketpair()

    def serve() -> None:
        with far:
            try:
                server.wrap_socket(far, server_side=True).close()
            except OSError:  # the client has refused
                return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        client.wrap_socket(near, server_hostname=host).close()
    finally:
        near.close()
        thread.join()


@pytest.mark.parametrize("host", HOSTS)
def test_a_certificate_is_good_for_both_ends_at_each_of_its_hosts(
    host: str, authority: KeyPair, tmp_path: Path
) -> None:
    handshake(*contexts(tmp_path, authority, issue(authority, "stan-0", hosts=HOSTS)), host)


def test_a_certificate_is_refused_at_another_host(authority: KeyPair, tmp_path: Path) -> None:
    server, client = contexts(tmp_path, authority, issue(authority, "stan-0", hosts=HOSTS))
    with pytest.raises(ssl.SSLCertVerificationError, match="stan-1"):
        handshake(server, client, "stan-1.stan")


def test_an_expired_certificate_is_refused(authority: KeyPair, tmp_path: Path) -> None:
    pair = issue(authority, "stan-0", hosts=HOSTS, lasts=timedelta(seconds=-1))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        handshake(*contexts(tmp_path, authority, pair), "localhost")


def test_a_certificate_of_another_ca_is_refused(authority: KeyPair, tmp_path: Path) -> None:
    pair = issue(make_authority("CA of the group t"), "stan-0", hosts=HOSTS)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(*contexts(tmp_path, authority, pair), "localhost")
    assert not is_good(pair.certificate, authority.certificate, HOSTS, at=datetime.now(UTC))


def test_validity_follows_the_clock_that_is_given(authority: KeyPair) -> None:
    pair = issue(authority, "stan-0", hosts=HOSTS, now=NOW, lasts=timedelta(days=2))
    assert expiry(pair.certificate) == NOW + timedelta(days=2)

    def good(at: datetime, *hosts: str) -> bool:
        return is_good(pair.certificate, authority.certificate, hosts or HOSTS, at=at)

    assert good(NOW)
    assert good(NOW - timedelta(minutes=5)), "a clock that is a little behind"
    assert not good(NOW + timedelta(days=2))
    assert not good(NOW - timedelta(days=1))
    assert good(NOW, "localhost")
    assert not good(NOW, "localhost", "stan-1.stan")


@pytest.mark.parametrize(
    "text", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----"]
)
def test_text_that_is_no_certificate_is_not_good(text: bytes, authority: KeyPair) -> None:
    assert not is_good(text, authority.certificate, HOSTS, at=NOW)
    with pytest.raises(ValueError, match=r"."):
        expiry(text)


def test_a_key_is_not_shown(authority: KeyPair) -> None:
    assert authority.key.decode() not in repr(authority)
    assert "PRIVATE" not in repr(authority)


def test_the_library_is_not_loaded_by_commands_that_need_no_certificate() -> None:
    check = (
        "import sys; import stanlocal.lifecycle.up, stanlocal.cli.group, stanlocal.faults.registry; "
        "sys.exit('cryptography' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", check], check=True)
