"""The cluster's certificates and keys, and the files by which its clients log in."""

from __future__ import annotations

import json

from stanlocal.certificates.authority import KeyPair, issue, make_authority
from tests.kubernetes.cluster.control_plane import API_SERVER
from tests.kubernetes.cluster.layout import API_PORT, API_SERVICE_ADDRESS, HOST_ADDRESS, NODES, Paths

API_URL = f"https://{HOST_ADDRESS}:{API_PORT}"
_API_HOSTS = (
    "127.0.0.1",
    "localhost",
    HOST_ADDRESS,
    API_SERVICE_ADDRESS,
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
)


def make(paths: Paths) -> None:
    """Make all of them, unless they are there."""
    if paths.certificate("ca").exists():
        return
    paths.credentials.mkdir(exist_ok=True)
    authority = make_authority("stanlocal test cluster")
    _write(paths, API_SERVER, issue(authority, "kube-apiserver", hosts=_API_HOSTS))
    users = {"admin": ("admin", "system:masters")}
    users |= {node.name: (f"system:node:{node.name}", "system:nodes") for node in NODES}
    for file, (user, group) in users.items():
        _write(paths, file, issue(authority, user, hosts=(), organization=group))
        paths.kubeconfig(file).write_text(kubeconfig(paths, file))
    paths.private_key("accounts").write_bytes(_accounts_key())
    _write(paths, "ca", authority)  # the last: it says that all are there


def kubeconfig(paths: Paths, user: str) -> str:
    """Return the file by which kubectl and the servers find the API server and log in. Pure."""
    cluster = {"server": API_URL, "certificate-authority": str(paths.certificate("ca"))}
    login = {
        "client-certificate": str(paths.certificate(user)),
        "client-key": str(paths.private_key(user)),
    }
    name = "stanlocal-cluster"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": user, "user": login}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        "current-context": name,
    }
    return json.dumps(config, indent=2)  # which is YAML too


def _accounts_key() -> bytes:
    """Return a key that signs the tokens of service accounts."""
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(paths: Paths, name: str, pair: KeyPair) -> None:
    paths.private_key(name).write_bytes(pair.key)
    paths.certificate(name).write_bytes(pair.certificate)
