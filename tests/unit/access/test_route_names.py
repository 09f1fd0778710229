"""Nodes dial each other by names that the certificate for routes has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from stanlocal.access.route_names import named_for_routes
from stanlocal.certificates.authority import issue, make_authority
from stanlocal.errors import SettingsError
from stanlocal.model.placement import Placement, plan_group
from stanlocal.model.plan import GroupPlan

AUTHORITY = make_authority("test")


def planned(placement: Placement | None = None) -> GroupPlan:
    return plan_group(
        group="g",
        image="i",
        ports=[(4222, 8222), (4223, 8223)],
        store_dir="/s",
        state_dir="/g",
        user="1:1",
        streaming={"cluster_id": "c", "ft_group_name": "c"},
        nats={},
        placement=placement or Placement(),
        route_ports=[5001, 5002],
        inner_ports=range(6001, 6007),
    )


PROCESSES = Placement(engine="process", own_network=False, store_mount=None)


def hosts(plan: GroupPlan, names: Sequence[str]) -> list[str]:
    named = named_for_routes(plan, issue(AUTHORITY, "routes", hosts=names).certificate)
    return [node.route_host for node in named.nodes]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["g-0.g", "g-1.g", "*.stan.example"], ["g-0.g", "g-1.g"]),
        (["*.g"], ["g-0.g", "g-1.g"]),
        (["127.0.0.1", "*.stan.example"], ["g-0.stan.example", "g-1.stan.example"]),
        (["g-0.prod.svc", "g-1.prod.svc", "g-2.prod.svc"], ["g-0.prod.svc", "g-1.prod.svc"]),
    ],
)
def test_containers_get_a_name_of_their_own_that_is_in_it(names: list[str], expected: list[str]) -> None:
    assert hosts(planned(), names) == expected


@pytest.mark.parametrize(
    ("names", "host"), [(["localhost", "127.0.0.1"], "127.0.0.1"), (["localhost"], "localhost")]
)
def test_processes_are_on_the_loopback(names: list[str], host: str) -> None:
    assert hosts(planned(PROCESSES), names) == [host, host]


@pytest.mark.parametrize(
    ("plan", "names", "asked_for"),
    [
        (planned(), ["stan.example"], "does not name g-0.g, g-1.g"),
        (planned(), ["g-0", "g-1"], "subjectAltName=DNS:g-0.g,DNS:g-1.g'"),
        (planned(), ["g-0.prod.svc"], "does not name g-1.g,"),
        (planned(), [], "does not name g-0.g, g-1.g"),
        (planned(PROCESSES), ["*.stan.example"], "subjectAltName=IP:127.0.0.1'"),
        (replace(planned(), proxied=True), ["*.g"], None),
        (replace(planned(), proxied=True), ["*.stan.example"], "does not name proxy.g,"),
    ],
)
def test_missing_names_are_asked_for(plan: GroupPlan, names: list[str], asked_for: str | None) -> None:
    if asked_for is None:
        hosts(plan, names)
        return
    with pytest.raises(SettingsError, match=r"nats\.cluster\.tls\.cert_file") as refused:
        hosts(plan, names)
    assert asked_for in str(refused.value)


@pytest.mark.parametrize(
    ("usages", "is_good"),
    [([ExtendedKeyUsageOID.SERVER_AUTH], False), ([ExtendedKeyUsageOID.CLIENT_AUTH], True), ([], True)],
)
def test_certificate_of_a_server_alone_cannot_open_a_route(
    usages: list[x509.ObjectIdentifier], is_good: bool
) -> None:
    key, now = generate_private_key(SECP256R1()), datetime.now(UTC)
    name = x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("*.g")]), critical=False)
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    if is_good:
        named_for_routes(planned(), certificate)
    else:
        with pytest.raises(SettingsError, match="extendedKeyUsage has clientAuth"):
            named_for_routes(planned(), certificate)
