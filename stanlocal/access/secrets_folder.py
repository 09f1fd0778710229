"""The folder of a group's secrets: passwords and keys that came by file or environment.

::

    <state home>/<group>/secrets/      0700
        settings.json   the settings that a plan hides, 0600
        trusted.pem     the certificates that the nodes' own are checked against
        fingerprint     the random key of the nodes' fingerprints, which the engine's labels show
        routes          the password that nodes show each other

and of a secured group (`certificates.secured`) also its CA, the certificate for clients, their keys, and the
password.

Whatever rewrites the group's configuration takes them from here, so that it lets in exactly whom the
group let in before. Nothing else of stanlocal's holds them, but the configuration of the nodes.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stanlocal.errors import StateError
from stanlocal.settings.secrets import revealed, secrets_in
from stanlocal.util.durable_write import replace_file
from stanlocal.util.small_files import read_small

NAME = "secrets"
_SETTINGS = "settings.json"
_TRUSTED = "trusted.pem"
_FINGERPRINT = "fingerprint"
_ROUTES = "routes"
_KEY_BYTES = 32


class SecretsFolder:
    """The secrets of one group; the folder exists only if there are any."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, streaming: Mapping[str, Any], nats: Mapping[str, Any]) -> bool:
        """Keep the secrets of the settings, and only these; return whether there are any."""
        found = secrets_in({"streaming": streaming, "nats": nats})
        self.put(_SETTINGS, json.dumps(found, sort_keys=True).encode() if found else None)
        return bool(found)

    def save_trusted(self, certificates: bytes | None) -> None:
        """Keep the certificates that the nodes' own are checked against; None: they have none."""
        self.put(_TRUSTED, certificates)

    def fingerprint_key(self, *, needed: bool) -> bytes:
        """Return the random key of fingerprints, made when it is first needed; empty where it is not.

        What holds no secret has no key, so that another state folder comes to the same fingerprints.
        """
        return self._random(_FINGERPRINT, needed=needed)

    def route_password(self, *, needed: bool) -> str:
        """Return the random password that nodes show each other, like `fingerprint_key`."""
        return self._random(_ROUTES, needed=needed).hex()

    def _random(self, name: str, *, needed: bool) -> bytes:
        """Return what a file of random bytes holds, which is made or removed as `needed`."""
        if not needed:
            self.put(name, None)
            return b""
        content = self.content(name)
        if not content:
            content = secrets.token_bytes(_KEY_BYTES)
            self.put(name, content)
        return content

    def load(self) -> dict[str, Any]:
        """Return the secrets as a tree of settings; empty if there are none.

        Raises `StateError` if the file is unreadable.
        """
        path = self.folder / _SETTINGS
        try:
            found = json.loads(read_small(path))
            if not isinstance(found, dict):
                raise ValueError("it is no table")
        except FileNotFoundError:
            return {}
        except (ValueError, RecursionError, OSError) as error:
            raise StateError(
                f"{path} does not hold the group's secrets ({error}); remove it, and set them again"
            ) from error
        return found

    def revealed(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings that were redacted with the secrets that are kept for them."""
        return revealed(settings, self.load())

    def keep(self) -> Mapping[str, bytes | None]:
        """Return the files, for `put_back`."""
        return {name: self.content(name) for name in (_SETTINGS, _TRUSTED, _FINGERPRINT, _ROUTES)}

    def put_back(self, files: Mapping[str, bytes | None]) -> None:
        """Write the files as `keep` has returned them."""
        for name, content in files.items():
            self.put(name, content)

    def content(self, name: str) -> bytes | None:
        """Return what a file holds; None if there is none of that name."""
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def put(self, name: str, content: bytes | None) -> None:
        """Write a file that only the caller can read, unless it is so already; None removes it."""
        path = self.folder / name
        if content is None:
            path.unlink(missing_ok=True)
            return
        if self.content(name) == content:
            return
        replace_file(path, content, mode=0o600)
