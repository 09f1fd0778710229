"""Logins as options of a NATS connection; files that cannot be used are named."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import nkeys
import pytest

from stanlocal.access.login import Access, TlsFiles
from stanlocal.access.nats_options import nats_options
from stanlocal.certificates.authority import issue, make_authority
from stanlocal.errors import LoginError

CREDENTIALS = """-----BEGIN NATS USER JWT-----
eyJ0
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
{seed}
------END USER NKEY SEED------
"""


def seed() -> str:
    return bytes(nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)).decode()


def test_each_login_is_its_option(tmp_path: Path) -> None:
    (tmp_path / "seed").write_text(f"{seed()}\n")
    (tmp_path / "creds").write_text(CREDENTIALS.format(seed=seed()))
    assert nats_options(Access()) == {}
    assert nats_options(Access(user="u", password="")) == {"user": "u", "password": ""}
    assert nats_options(Access(token="t")) == {"token": "t"}
    assert nats_options(Access(nkey_seed=str(tmp_path / "seed"))) == {"nkeys_seed": str(tmp_path / "seed")}
    creds = str(tmp_path / "creds")
    assert nats_options(Access(credentials=creds)) == {"user_credentials": creds}


@pytest.mark.parametrize("content", ["", "x", "SUABC", "BEGIN NATS USER JWT\n", "\0" * 100, "é"])
def test_file_without_a_login_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "file"
    file.write_text(content)
    for access in (Access(nkey_seed=str(file)), Access(credentials=str(file))):
        with pytest.raises(LoginError, match=str(file)):
            nats_options(access)


def test_missing_file_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    for access in (
        Access(nkey_seed=missing),
        Access(credentials=missing),
        Access(tls=TlsFiles(missing)),
        Access(tls=TlsFiles(certificate=missing)),
    ):
        with pytest.raises(LoginError, match=f"{missing} cannot be read: No such file"):
            nats_options(access)


def test_context_trusts_the_given_certificates_alone(tmp_path: Path) -> None:
    authority = make_authority("test")
    pair = issue(authority, "client", hosts=["client"])
    for name, content in (("ca", authority.certificate), ("c", pair.certificate), ("k", pair.key)):
        (tmp_path / name).write_bytes(content)
    files = TlsFiles(str(tmp_path / "ca"), str(tmp_path / "c"), str(tmp_path / "k"), "name")
    options = nats_options(Access(tls=files))
    assert options["tls_hostname"] == "name"
    context = options["tls"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert len(context.get_ca_certs()) == 1
    assert nats_options(Access(tls=files))["tls"] is context
    (tmp_path / "k").write_bytes(make_authority("other").key)
    with pytest.raises(LoginError, match="cannot be used as a certificate and its key"):
        nats_options(Access(tls=files))
