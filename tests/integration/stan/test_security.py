"""TLS, NKeys and credentials files, as nats-py has them."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import nkeys
import pytest

from stanlocal.stan import errors
from tests.conftest import unavailable
from tests.integration.stan.conftest import Connect
from tests.integration.stan.ft_processes import Group
from tests.support.operator_mode import Operator, key_pair

pytestmark = pytest.mark.server

STREAMING_USER = 'username: "streaming", password: "pw", store: "MEMORY"'


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    if shutil.which("openssl") is None:
        unavailable("no openssl command to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
         "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


async def test_tls(
    make_group: Callable[..., Group], connect: Connect, certificate: tuple[Path, Path]
) -> None:
    """A server with TLS accepts a client that trusts its certificate; another gets an error that says so."""
    public, private = certificate
    group = make_group(
        nodes=1,
        ft=False,
        top=f'tls {{ cert_file: "{public}", key_file: "{private}" }}',
        streaming=f'store: "MEMORY", secure: true, tls {{ client_ca: "{public}" }}',
    )
    await asyncio.to_thread(group.start)
    trusting = ssl.create_default_context(cafile=str(public))
    client = await connect(group.urls, tls=trusting, retry=True)
    subscription = await client.subscribe("foo")
    payload = os.urandom(300_000)
    await client.publish("foo", payload)
    assert (await anext(subscription)).data == payload
    with pytest.raises(errors.ConnectFailed, match=r"(?i)certificate"):
        await connect(group.urls, tls=ssl.create_default_context())
    async with asyncio.timeout(60):  # no outage to wait out, either
        with pytest.raises(errors.ConnectFailed, match=r"certificate verify failed: .* \('--tls-ca'\)"):
            await connect(group.urls, tls=ssl.create_default_context(), retry=True, request_timeout=3600)


async def test_nkey(make_group: Callable[..., Group], connect: Connect, tmp_path: Path) -> None:
    """A server with NKeys lets in who has the seed, given as a file or as text."""
    key = key_pair(nkeys.PREFIX_BYTE_USER)
    group = make_group(
        nodes=1,
        ft=False,
        top=f"authorization {{ users: [ {{ nkey: {key.public_key.decode()} }}, "
        '{ user: "streaming", password: "pw" } ] }',
        streaming=STREAMING_USER,
    )
    await asyncio.to_thread(group.start)
    seed = tmp_path / "seed.nk"
    seed.write_bytes(key.seed)
    by_file = await connect(group.urls, nkeys_seed=str(seed))
    await by_file.publish("foo", b"x")
    by_text = await connect(group.urls, nkeys_seed_str=key.seed.decode())
    await by_text.publish("foo", b"x")
    other = key_pair(nkeys.PREFIX_BYTE_USER)
    with pytest.raises(errors.ConnectFailed, match=r"(?i)authorization"):
        await connect(group.urls, nkeys_seed_str=other.seed.decode())
    async with asyncio.timeout(60):  # a refused login is no outage to wait out
        with pytest.raises(errors.ConnectFailed, match=r"(?i)authorization"):
            await connect(group.urls, nkeys_seed_str=other.seed.decode(), retry=True, request_timeout=3600)


async def test_credentials_file(make_group: Callable[..., Group], connect: Connect, tmp_path: Path) -> None:
    """A server in operator mode lets in who has a credentials file of one of its accounts."""
    operator = Operator.make()
    file, _ = operator.credentials(tmp_path / "user.creds")
    group = make_group(
        nodes=1, ft=False, top=operator.conf, streaming=f'credentials: "{file}", store: "MEMORY"'
    )
    await asyncio.to_thread(group.start)
    client = await connect(group.urls, user_credentials=str(file))
    await client.publish("foo", b"x")
    with pytest.raises(errors.ConnectFailed, match=r"(?i)authorization"):
        await connect(group.urls)
