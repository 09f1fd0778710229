"""Operator mode of a NATS server: JWTs, and the credentials file of a user, made as `nsc` makes them."""

from __future__ import annotations

import base64
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nkeys

_UNLIMITED = {"subs": -1, "data": -1, "payload": -1}
_ACCOUNT = {**_UNLIMITED, "imports": -1, "exports": -1, "wildcards": True, "conn": -1, "leaf": -1}


def key_pair(kind: int) -> Any:
    """A fresh NKey."""
    return nkeys.from_seed(nkeys.encode_seed(os.urandom(32), kind))


@dataclass(frozen=True)
class Operator:
    """An operator with one account."""

    key: Any
    account: Any

    @classmethod
    def make(cls) -> Operator:
        return cls(key_pair(nkeys.PREFIX_BYTE_OPERATOR), key_pair(nkeys.PREFIX_BYTE_ACCOUNT))

    @property
    def conf(self) -> str:
        """The lines of a server that trusts the operator, and knows the account."""
        account = _token({"type": "account", "limits": _ACCOUNT}, self.account, self.key)
        return (
            f'operator: "{_token({"type": "operator"}, self.key, self.key)}"\n'
            f'resolver: MEMORY\nresolver_preload: {{ {self.account.public_key.decode()}: "{account}" }}\n'
        )

    def credentials(self, path: Path, permissions: dict[str, Any] | None = None) -> tuple[Path, str]:
        """Write the credentials file of a new user of the account; return it, and the seed in it."""
        user = key_pair(nkeys.PREFIX_BYTE_USER)
        jwt = _token({"type": "user", **_UNLIMITED, **(permissions or {})}, user, self.account)
        seed = user.seed.decode()
        path.write_text(
            f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        )
        path.chmod(0o600)
        return path, seed


def _token(claims: dict[str, Any], subject: Any, issuer: Any) -> str:
    """A JWT as NATS has them: about `subject`, signed by `issuer`."""

    def encode(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    body = {
        "jti": "x",
        "iat": int(time.time()),
        "iss": issuer.public_key.decode(),
        "name": "test",
        "sub": subject.public_key.decode(),
        "nats": {"version": 2, **claims},
    }
    parts = {"typ": "JWT", "alg": "ed25519-nkey"}, body
    signed = ".".join(encode(json.dumps(part).encode()) for part in parts)
    return f"{signed}.{encode(issuer.sign(signed.encode()))}"
