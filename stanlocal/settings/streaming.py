"""Every option of `streaming {}` in nats-streaming-server 0.25.6 (its server/conf.go).

Defaults are the server's own (server/server.go); `stanlocal.settings.presets` has those that differ. The
store's options are in `stanlocal.settings.store`.
"""

from __future__ import annotations

import re

from stanlocal.settings.schema import Kind, Option, Table
from stanlocal.settings.store import FILE_OPTIONS, STORE_LIMITS

_MS = 10**6
_RAFT = "a server that is in a Raft cluster too never becomes ready in a fault-tolerant group"
_FLAG = "the server's configuration file does not know it; it is a flag that stanlocal does not pass"
_NATS_URL = re.compile(r"(nats|tls)://([^\s/@,]+@)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_TOKENS = re.compile(r"[^\s.*>/\x00-\x1f\x7f]+(\.[^\s.*>/\x00-\x1f\x7f]+)*")


def subject_part(name: str) -> str | None:
    """Return why `name` cannot be part of a NATS subject, as cluster ids and FT groups are."""
    if _TOKENS.fullmatch(name):
        return None
    return "cannot be part of a NATS subject (no blanks, no '*', '>' or '/', no empty part between dots)"


def store_kind(kind: str) -> str | None:
    """Return why a kind of store that the server knows is unusable for a group."""
    match kind.lower():
        case "memory":
            return "cannot be shared: a fault-tolerant group needs a store that outlives its active node"
        case "sql":
            return "is not run by stanlocal, though the server could: it runs groups over a file store"
        case _:
            return None


def nats_urls(urls: str) -> str | None:
    """Return why `urls` are not addresses of NATS servers, separated by commas."""
    if all(_NATS_URL.fullmatch(url.strip()) for url in urls.split(",")):
        return None
    return "is no address of a NATS server such as nats://127.0.0.1:4222, or several with commas between them"


CLIENT_TLS = Table(
    (
        Option("client_cert", Kind.PATH, "Certificate of the streaming server's own connections to NATS."),
        Option("client_key", Kind.PATH, "Key of that certificate."),
        Option(
            "client_cacert",
            Kind.PATH,
            "CA certificates to check the certificate of NATS against.",
            aliases=("client_ca",),
        ),
        Option(
            "server_name",
            Kind.STRING,
            "Name expected in the certificate of NATS.",
            aliases=("server_hostname",),
        ),
        Option(
            "skip_verify",
            Kind.BOOLEAN,
            "Whether any certificate of NATS is accepted.",
            "false",
            aliases=("insecure",),
        ),
    )
)

STREAMING = Table(
    (
        Option(
            "cluster_id",
            Kind.STRING,
            "Name by which clients find this group.",
            "test-cluster",
            aliases=("id", "cid"),
            check=subject_part,
        ),
        Option(
            "ft_group_name",
            Kind.STRING,
            "Name of the fault-tolerant group.",
            aliases=("ft_group",),
            check=subject_part,
        ),
        Option(
            "discover_prefix",
            Kind.STRING,
            "Subject prefix that clients connect through.",
            "_STAN.discover",
            check=subject_part,
        ),
        Option(
            "store",
            Kind.CHOICE,
            "Kind of store: in a fault-tolerant group run by stanlocal always `file`.",
            "memory",
            aliases=("st", "store_type", "storetype"),
            choices=("file",),
            check=store_kind,
        ),
        Option(
            "dir",
            Kind.PATH,
            "Folder of the store, as the server sees it.",
            aliases=("datastore",),
            refused="stanlocal mounts the store itself; set store_dir, the folder on the host",
        ),
        Option(
            "hb_interval",
            Kind.DURATION,
            "Time between two heartbeats to a client.",
            "30s",
            aliases=("hbi", "server_to_client_hb_interval"),
            minimum=_MS,
        ),
        Option(
            "hb_timeout",
            Kind.DURATION,
            "How long the server waits for the answer to a heartbeat.",
            "10s",
            aliases=("hbt", "server_to_client_hb_timeout"),
            minimum=_MS,
        ),
        Option(
            "hb_fail_count",
            Kind.INTEGER,
            "Heartbeats a client may miss before it is closed.",
            "10",
            aliases=("hbf", "server_to_client_hb_fail_count"),
            minimum=0,
        ),
        Option("stan_debug", Kind.BOOLEAN, "Debug lines of the streaming server.", "false", aliases=("sd",)),
        Option("stan_trace", Kind.BOOLEAN, "Trace lines of the streaming server.", "false", aliases=("sv",)),
        Option(
            "partitioning",
            Kind.BOOLEAN,
            "Serve only the channels named in store_limits.channels.",
            "false",
        ),
        Option(
            "replace_durable",
            Kind.BOOLEAN,
            "A second subscription with a durable's name replaces the first instead of failing.",
            "false",
            aliases=("replace_durables", "replace_duplicate_durable", "replace_duplicate_durables"),
        ),
        Option(
            "encrypt", Kind.BOOLEAN, "Encrypt stored messages; on when there is an encryption_key.", "false"
        ),
        Option(
            "encryption_cipher",
            Kind.CHOICE,
            "Cipher of stored messages.",
            "aes (on Intel processors; elsewhere chacha)",
            choices=("aes", "chacha"),
        ),
        Option("encryption_key", Kind.STRING, "Key of stored messages.", secret=True),
        Option(
            "username",
            Kind.STRING,
            "The streaming server's own login to NATS, where NATS knows several users.",
            aliases=("user",),
        ),
        Option("password", Kind.STRING, "Password of that login.", aliases=("pass",), secret=True),
        Option("token", Kind.STRING, "Token of that login.", secret=True),
        Option("credentials", Kind.PATH, "Credentials file of that login."),
        Option("nkey_seed_file", Kind.PATH, "NKey seed file of that login."),
        Option("secure", Kind.BOOLEAN, "Whether that login uses TLS.", "false"),
        Option("tls", Kind.TABLE, "TLS of that login.", table=CLIENT_TLS),
        Option("syslog_name", Kind.STRING, "Name in the system log (the server uses it on Windows only)."),
        Option(
            "file_options",
            Kind.TABLE,
            "How the file store works.",
            aliases=("file",),
            table=FILE_OPTIONS,
        ),
        Option(
            "store_limits",
            Kind.TABLE,
            "What the store keeps.",
            aliases=("limits", "storelimits"),
            table=STORE_LIMITS,
        ),
        Option(
            "nats_server_url",
            Kind.STRING,
            "NATS server that the nodes use instead of one inside each of them: URL[,URL]. Containers reach "
            "one on this machine only where it listens on more than the loopback.",
            "none",
            aliases=("ns", "nats_server"),
            reaches="send the servers' login and every message elsewhere",
            check=nats_urls,
        ),
        Option(
            "cluster",
            Kind.STRUCTURE,
            "Raft clustering.",
            refused=_RAFT,
        ),
        Option(
            "sql_options",
            Kind.STRUCTURE,
            "The SQL store.",
            aliases=("sql",),
            refused="stanlocal runs groups over a file store",
        ),
        *(
            Option(name, kind, doc, refused=why)
            for name, kind, doc, why in (
                ("clustered", Kind.BOOLEAN, "Raft clustering.", _RAFT),
                ("io_batch_size", Kind.INTEGER, "Publishes taken at once.", _FLAG),
                ("io_sleep_time", Kind.INTEGER, "Microseconds to wait for a fuller batch.", _FLAG),
                (
                    "file_truncate_bad_eof",
                    Kind.BOOLEAN,
                    "Cut off the damaged end of a file.",
                    "it is a flag for one repair run of a single server, not for a group",
                ),
            )
        ),
    )
)
