"""Gotchas about TLS certificates."""

from __future__ import annotations

from stanlocal.faults.certificate import ExpireCertificate
from stanlocal.gotchas.base import Gotcha, Stage
from stanlocal.stan.errors import ConnectFailed

_EXPIRES_S = 2


async def _expired_certificate(stage: Stage) -> None:
    async with stage.client("gotcha-connected") as connected:
        stage.say(f"a client is connected; the certificates of both nodes expire in {_EXPIRES_S} s")
        await stage.group.inject(ExpireCertificate(_EXPIRES_S), "@all")
        await connected.publish("orders", b"after the expiry")
        stage.say("-> the client that was connected before is served on")
        await stage.state()
        try:
            async with stage.client("gotcha-new"):
                pass
        except ConnectFailed as error:
            stage.say(f"-> a new client: {error}")
    stage.say("the nodes are restarted one after the other, to put the matter right")
    for node in stage.plan.nodes:
        await stage.group.restart(node.name)
        await stage.failure(node.name)
    await stage.state()


EXPIRED_CERTIFICATE = Gotcha(
    "expired-certificate",
    "A group that has run for months does not survive a restart",
    r"Failed to start: .*certificate has expired",
    "A certificate is checked at the handshake alone. When it expires, the connections that are open stay, "
    "so a group can run on with expired certificates as long as no one has to reconnect. A node that is "
    "restarted connects to its own NATS server, refuses its certificate, and ends; so does the next one.",
    "Watch the expiry of the certificates, not the health of the group. A new certificate needs no restart: "
    "replace the files, then send SIGHUP. Try that before the old one has expired: where the login is a "
    "single user or a token, a reload closes all connections of the node.",
    _expired_certificate,
    secure=True,
)
