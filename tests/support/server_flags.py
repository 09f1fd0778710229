"""Command lines that nats-streaming-server 0.25.6 starts with, and others that it refuses."""

from __future__ import annotations

from stanlocal.imports.server_flags import ENDS, FLAGS, FlagKind

_VALUES = {FlagKind.INTEGER: "0", FlagKind.SIZE: "1", FlagKind.DURATION: "1s", FlagKind.STRING: "x"}

EVERY_FLAG = " ".join(
    f"-{name}" if flag.kind is FlagKind.SWITCH else f"--{name}={_VALUES[flag.kind]}"
    for name, flag in FLAGS.items()
    if name not in (*ENDS, "clustered")
)
ACCEPTED = (
    *("-mm 0x10", "-mm 1_0", "-mm 010", "-mm +5", "-mm 0x_1", "-mm 0_7", "-mm 0o17", "-mm 00", "-mm 0b11"),
    *("-ma 0", "-ma 1h30m", "-ma=.5s", "-mb 5kb", "-mb 5k", "-mb 0", "-mb 1GB", "-mm 0", "--", "-l= -p 0"),
    *("--SD=T", "-SD=0", "-SD -SV", "-cid a -cid b", "-SDV=false"),
)
REFUSED = (
    *("-mm _1", "-mm 09", "-mm 1__0", "-mm 0x", "-mm 0b2", "-mm 1_", "-mm ''", "-mm 1.5", f"-mm {'9' * 20}"),
    *("-mb 5zb", "-mb 1.5kb", "-mb 5_000", "-mb ''", "-mb true", "-mb '5 kb'", "-mb \"'5kb'\"", "-ma 5"),
    *("-ma ' 5s'", "-ma 1d", "-SD=maybe", "-SD true", "-encrypt true -cid x", "-cid a x", "-- x", "-", "-x"),
    *("--strange=1", "---x", "-=x", "-cid", "-mc -cid"),
)
