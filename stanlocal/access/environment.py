"""The variables of `stanlocal env`: what a program needs to reach a group. Pure.

Secrets are in none of them, only the paths of the files that hold them.
"""

from __future__ import annotations

from stanlocal.access.login import tls_of
from stanlocal.certificates.secured import PASSWORD, USER, Files
from stanlocal.model.plan import GroupPlan
from stanlocal.settings.protection import has_login


def variables(plan: GroupPlan) -> dict[str, str]:
    """Return the variables by name; `NATS_*` are those of the `nats` command, where it has any."""
    found = {
        "NATS_URL": ",".join(plan.client_urls),
        "STAN_CLUSTER_ID": plan.cluster_id,
        "STANLOCAL_GROUP": plan.group,
        "STANLOCAL_MONITOR_URLS": ",".join(plan.monitor_urls),
    }
    if plan.secure:
        files = Files.of_client(plan.secrets_dir)
        found |= {"NATS_CA": files.authority, "NATS_CERT": files.certificate, "NATS_KEY": files.key}
        if not has_login(plan.nats):  # the user knows the login of the settings
            found |= {"NATS_USER": USER, "NATS_PASSWORD_FILE": f"{plan.secrets_dir}/{PASSWORD}"}
    elif tls := tls_of(plan.streaming, plan.nats, trusted=plan.trusted_file):
        files_of_settings = {"NATS_CA": tls.ca, "NATS_CERT": tls.certificate, "NATS_KEY": tls.key}
        found |= {name: path for name, path in files_of_settings.items() if path is not None}
    return found
