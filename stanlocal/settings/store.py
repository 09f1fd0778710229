"""Every option of the store in nats-streaming-server 0.25.6: its limits and its file options.

Names are those of server/conf.go, defaults those of stores/store.go and stores/filestore.go.
"""

from __future__ import annotations

import re

from stanlocal.settings.schema import Kind, Option, Table
from stanlocal.settings.values import spellable_key

_CRC32_IEEE = "3988292384 (the IEEE polynomial)"
_WORDS = re.compile(r"[^\s/]+")


def channel_pattern(name: str) -> str | None:
    """Return why `name` is not a channel, or a pattern of channels with the wildcards * and >.

    It follows the server's rule (util.IsChannelNameValid), without blanks, which no client can send in a
    subject, and without names that its configuration cannot spell.
    """
    if not _WORDS.fullmatch(name) or not spellable_key(name):
        return "is not a channel name or pattern"
    *parents, last = name.split(".")
    if any(not part or ">" in part for part in parents) or not last:
        return "is not a channel name or pattern ('>' stands last, no part between dots is empty)"
    if any(part != "*" and "*" in part for part in (*parents, last)) or (last != ">" and ">" in last):
        return "is not a channel name or pattern (a wildcard stands alone between dots)"
    return None


def _limits(*, minimum: int | None) -> tuple[Option, ...]:
    """Return the limits that exist for the whole store and for single channels."""
    return (
        Option(
            "max_msgs",
            Kind.INTEGER,
            "Messages kept in a channel; 0 is unlimited.",
            "1000000",
            aliases=("mm", "maxmsgs", "max_count", "maxcount"),
            minimum=minimum,
        ),
        Option(
            "max_bytes",
            Kind.SIZE,
            "Bytes of messages kept in a channel; 0 is unlimited.",
            "1024000000",
            aliases=("mb", "maxbytes"),
            minimum=minimum,
        ),
        Option(
            "max_age",
            Kind.DURATION,
            "How long a message is kept; 0 is for ever.",
            "0",
            aliases=("ma", "maxage"),
            minimum=minimum,
        ),
        Option(
            "max_subs",
            Kind.INTEGER,
            "Subscriptions of a channel; 0 is unlimited.",
            "1000",
            aliases=("msu", "max_subscriptions", "maxsubscriptions"),
            minimum=minimum,
        ),
        Option(
            "max_inactivity",
            Kind.DURATION,
            "After so long without subscriptions and new messages a channel is deleted; 0 is never.",
            "0",
            aliases=("mi", "maxinactivity"),
            minimum=minimum,
        ),
    )


STORE_LIMITS = Table(
    (
        Option(
            "max_channels",
            Kind.INTEGER,
            "Channels in the store; 0 is unlimited.",
            "100",
            aliases=("mc", "maxchannels"),
            minimum=0,
        ),
        *_limits(minimum=0),
        Option(
            "channels",
            Kind.MAP,
            "Limits of one channel, or of all that match a pattern. What is not set is inherited; "
            "0 or less is unlimited.",
            aliases=("channels_limits", "channelslimits", "per_channel", "per_channel_limits"),
            table=Table(_limits(minimum=None)),
            check=channel_pattern,
        ),
    )
)

FILE_OPTIONS = Table(
    (
        Option(
            "compact_enabled",
            Kind.BOOLEAN,
            "Whether the files of clients and subscriptions are compacted.",
            "true",
            aliases=("compact",),
        ),
        Option(
            "compact_fragmentation",
            Kind.INTEGER,
            "Per cent of a file that must be waste before it is compacted.",
            "50",
            aliases=("compact_frag",),
            minimum=1,
        ),
        Option(
            "compact_interval",
            Kind.INTEGER,
            "Seconds between two compactions of a file, at least.",
            "300",
            minimum=1,
        ),
        Option("compact_min_size", Kind.SIZE, "Smaller files are not compacted.", "1mb", minimum=0),
        Option("buffer_size", Kind.SIZE, "Write buffer of a file.", "2mb", minimum=0),
        Option(
            "read_buffer_size",
            Kind.SIZE,
            "Read buffer of a file during recovery and lookup.",
            "2mb",
            aliases=("file_read_buffer_size",),
            minimum=0,
        ),
        Option("crc", Kind.BOOLEAN, "Whether records read are checked.", "true", aliases=("do_crc",)),
        Option(
            "crc_poly",
            Kind.INTEGER,
            "Polynomial of that check; a store keeps the one it was made with.",
            _CRC32_IEEE,
            minimum=1,
            maximum=0xFFFFFFFF,
        ),
        Option(
            "sync_on_flush",
            Kind.BOOLEAN,
            "Whether each flush also syncs to the disk before a publish is acknowledged.",
            "true",
            aliases=("sync", "do_sync"),
        ),
        Option(
            "auto_sync",
            Kind.DURATION,
            "How often open files are synced anyway; 0 or less is never.",
            "60s",
            aliases=("file_auto_sync",),
        ),
        Option(
            "slice_max_msgs",
            Kind.INTEGER,
            "Messages of a file slice; 0 is unlimited.",
            "0",
            aliases=("slice_max_count", "slice_msgs", "slice_count"),
            minimum=0,
        ),
        Option(
            "slice_max_bytes",
            Kind.SIZE,
            "Size of a file slice; 0 is unlimited.",
            "64mb",
            aliases=("slice_max_size", "slice_bytes", "slice_size"),
            minimum=0,
        ),
        Option(
            "slice_max_age",
            Kind.DURATION,
            "Time that a file slice spans; 0 is unlimited.",
            "0",
            aliases=("slice_age", "slice_max_time", "slice_time_limit"),
            minimum=0,
        ),
        Option(
            "slice_archive_script",
            Kind.PATH,
            "Run with channel, data file and index file before a slice is removed.",
            aliases=("slice_archive", "slice_script"),
            executes=True,
        ),
        Option(
            "file_descriptors_limit",
            Kind.INTEGER,
            "Open files that the store tries to stay under; 0 is unlimited.",
            "0",
            aliases=("fds_limit",),
            minimum=0,
        ),
        Option("parallel_recovery", Kind.INTEGER, "Channels recovered at the same time.", "1", minimum=1),
    )
)
