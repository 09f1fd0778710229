"""Settings for groups on a Kubernetes cluster."""

from __future__ import annotations

from stanlocal.settings.schema import Kind, Option, Table

CLUSTER = Table(
    (
        Option(
            "allow_faults",
            Kind.STRINGS,
            "Contexts in which faults may hit groups that stanlocal did not make; `*` stands for any text: "
            "`kind-*`.",
            "none",
            reaches="allow faults of groups that stanlocal did not make",
        ),
    )
)
