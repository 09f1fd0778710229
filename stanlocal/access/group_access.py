"""The access of stanlocal's own clients to a group, from its plan and the folder of its secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from stanlocal.access.login import Access, NoLogin, TlsFiles, access_of, tls_of
from stanlocal.access.nats_options import LOGINS, nats_options
from stanlocal.access.secrets_folder import SecretsFolder
from stanlocal.certificates.secured import PASSWORD, Files, secured
from stanlocal.errors import LoginError
from stanlocal.model.plan import GroupPlan
from stanlocal.settings.layer import variable
from stanlocal.settings.secrets import holds_hidden

_PASSWORD = ("nats", "authorization", "password")
_TOKEN = ("nats", "authorization", "token")


def access_to(plan: GroupPlan) -> Access:
    """Return the access to a group; raise `LoginError` if its secrets are not here, or let no client in."""
    settings = settings_to_log_in(plan)
    try:
        access = access_of(
            settings["streaming"], settings["nats"], trusted=plan.trusted_file, server_name=plan.tls_name
        )
    except NoLogin as reason:
        raise LoginError(
            f"no login for '{plan.group}': {reason}; give '--user' and '--password-file'"
        ) from reason
    for secret, key in ((access.password, _PASSWORD), (access.token, _TOKEN)):
        if secret is not None and holds_hidden(secret):
            raise LoginError(
                f"the login of '{plan.group}' is not in {plan.secrets_dir}; run 'stanlocal up' with "
                f"{variable(key)} set, or give '--user' and '--password-file'"
            )
    return access


def tls_to(plan: GroupPlan) -> TlsFiles | None:
    """Return the TLS files for a group's servers; None if they serve without TLS."""
    settings = settings_to_log_in(plan)
    return tls_of(
        settings["streaming"], settings["nats"], trusted=plan.trusted_file, server_name=plan.tls_name
    )


def settings_to_log_in(plan: GroupPlan) -> dict[str, Any]:
    """Return the settings with their secrets; a secured group's include those that it has made itself."""
    folder = SecretsFolder(Path(plan.secrets_dir))
    settings = folder.revealed({"streaming": plan.streaming, "nats": plan.nats})
    if not plan.secure:
        return settings
    password = folder.content(PASSWORD)
    if password is None:
        raise LoginError(f"{plan.secrets_dir}/{PASSWORD} is gone; run 'stanlocal up', which makes another")
    files = Files.of_client(plan.secrets_dir)
    streaming, nats = secured(settings["streaming"], settings["nats"], files, password.decode("ascii"))
    return {"streaming": streaming, "nats": nats}


def connect_options(
    plan: GroupPlan, options: Mapping[str, Any], given: Access | None = None
) -> dict[str, Any]:
    """Return the options with which `stan.connect` reaches a group, given `options` of a caller.

    A login in `options` or `given` replaces the group's whole, a TLS context its files, and each file of
    `given` the one of the group. Raises `LoginError` as `access_to` and `nats_options` do.
    """
    given = given or Access()
    own_login = given.logs_in or LOGINS & options.keys()
    access = replace(given, tls=tls_to(plan)) if own_login else access_to(plan)
    access = replace(access, tls=_overlaid(access.tls, given.tls))
    return {**nats_options(replace(access, tls=None) if "tls" in options else access), **options}


def _overlaid(files: TlsFiles | None, given: TlsFiles | None) -> TlsFiles | None:
    """Return `files` with those that are given instead."""
    if files is None or given is None:
        return given or files
    certified = given if given.certificate is not None else files
    return TlsFiles(
        given.ca or files.ca,
        certified.certificate,
        certified.key,
        given.server_name or files.server_name,
        files.insecure,
    )
