"""The certificates and keys that settings name, as the servers get them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stanlocal.access.server_files import read_server_files, settings_of_node
from stanlocal.certificates.authority import KeyPair, issue, make_authority
from stanlocal.errors import SettingsError
from stanlocal.model.placement import plan_group
from stanlocal.model.plan import GroupPlan
from stanlocal.settings.rules import without_certificates

AUTHORITY = make_authority("test")


def planned(**streaming: Any) -> GroupPlan:
    return plan_group(
        group="g",
        image="i",
        ports=[(4222, 8222)],
        store_dir="/s",
        state_dir="/g",
        user="1:1",
        streaming={"cluster_id": "c", "ft_group_name": "c", **streaming},
        nats={},
    )


def written(folder: Path, pair: KeyPair) -> dict[str, str]:
    """The table `nats.tls` that names the pair."""
    for name, content in (("c.pem", pair.certificate), ("k.pem", pair.key)):
        (folder / name).write_bytes(content)
    return {"cert_file": str(folder / "c.pem"), "key_file": str(folder / "k.pem")}


def read(paths: dict[str, str], **streaming: Any) -> Any:
    return read_server_files(streaming, {"tls": paths}, "127.0.0.1")


def test_certificate_alone_is_what_clients_and_the_streaming_server_trust(tmp_path: Path) -> None:
    pair = issue(AUTHORITY, "server", hosts=["localhost", "127.0.0.1"])
    tls = written(tmp_path, pair)
    files = read(tls)
    assert (files.trusted, files.name) == (pair.certificate, None)
    plan = planned()
    streaming, nats, copies = settings_of_node(plan, plan.nodes[0], {}, {"tls": tls}, files)
    folder = "/etc/stan-config"
    assert nats["tls"] == {
        "cert_file": f"{folder}/nats.tls.cert_file",
        "key_file": f"{folder}/nats.tls.key_file",
    }
    assert streaming["tls"] == {"client_cacert": f"{folder}/streaming.tls.client_cacert"}
    assert copies == {
        "nats.tls.cert_file": pair.certificate,
        "nats.tls.key_file": pair.key,
        "streaming.tls.client_cacert": pair.certificate,
    }


def test_certificate_of_another_host_is_checked_by_its_name(tmp_path: Path) -> None:
    tls = written(tmp_path, issue(AUTHORITY, "server", hosts=["*.stan.example"]))
    files = read(tls)
    assert files.name == "stan.stan.example"
    plan = planned()
    streaming, _, _ = settings_of_node(plan, plan.nodes[0], {}, {"tls": tls}, files)
    assert streaming["tls"]["server_name"] == "stan.stan.example"
    assert read(tls, tls={"server_name": "a.stan.example"}).name == "a.stan.example"


def test_external_server_is_checked_by_its_own_name(tmp_path: Path) -> None:
    """A container reaches a server on the host's loopback by another name."""
    own = {"nats_server_url": "tls://127.0.0.1:4222", "secure": True}
    plan = planned(**own)
    streaming, _, _ = settings_of_node(plan, plan.nodes[0], own, {}, read_server_files(own, {}, "127.0.0.1"))
    assert streaming["tls"] == {"server_name": "127.0.0.1"}


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda folder: (folder / "k.pem").write_bytes(make_authority("o").key), "the key is not that of"),
        (lambda folder: (folder / "c.pem").write_text("x"), "no certificate or key in PEM"),
        (lambda folder: (folder / "k.pem").write_text(""), "no certificate or key in PEM"),
        (lambda folder: (folder / "k.pem").unlink(), "nats.tls.key_file names"),
    ],
)
def test_unusable_pair_is_refused_by_the_names_of_its_settings(
    tmp_path: Path, break_it: Any, said: str
) -> None:
    tls = written(tmp_path, issue(AUTHORITY, "server", hosts=["localhost"]))
    break_it(tmp_path)
    with pytest.raises(SettingsError, match=r"nats\.tls\.") as refused:
        read(tls)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("streaming", "nats", "said"),
    [
        ({}, {"tls": {"timeout": 5}}, "nats.tls needs the certificate that servers show"),
        ({}, {"tls": {"cert_file": "c"}}, "nats.tls.cert_file and nats.tls.key_file go together"),
        ({}, {"cluster": {"tls": {"timeout": 5}}}, "nats.cluster.tls needs the certificate that nodes show"),
        (
            {},
            {"cluster": {"tls": {"key_file": "k"}}},
            "nats.cluster.tls.cert_file and nats.cluster.tls.key_file",
        ),
        ({"tls": {"client_key": "k"}}, {}, "streaming.tls.client_cert and streaming.tls.client_key go"),
        (
            {},
            {"tls": {"cert_file": "c", "key_file": "k", "verify": True}},
            "nats.tls.verify asks every client",
        ),
    ],
)
def test_missing_certificates_are_asked_for_by_name(
    streaming: dict[str, Any], nats: dict[str, Any], said: str
) -> None:
    assert any(line.startswith(said) for line in without_certificates(streaming, nats))
    with pytest.raises(SettingsError, match=said):
        read_server_files(streaming, nats, "127.0.0.1")


def test_expired_certificate_is_refused(tmp_path: Path) -> None:
    past = datetime.now(UTC) - timedelta(days=900)
    tls = written(tmp_path, issue(AUTHORITY, "server", hosts=["localhost"], now=past))
    with pytest.raises(SettingsError, match="has expired at"):
        read(tls)
