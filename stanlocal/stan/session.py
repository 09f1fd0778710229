"""The session that a server grants to a client that connects."""

from __future__ import annotations

from dataclasses import dataclass

from stanlocal.stan import wire
from stanlocal.stan._pb import stan_pb2 as pb
from stanlocal.stan.errors import BadReply
from stanlocal.stan.names import is_subject
from stanlocal.stan.refusals import server_error


@dataclass(frozen=True, slots=True)
class Session:
    """The subjects of one registration of a client at a server; all given by the server."""

    client_id: str
    conn_id: bytes
    pub_prefix: str
    sub_requests: str
    unsub_requests: str
    sub_close_requests: str
    close_requests: str
    ping_requests: str
    ping_interval: int
    ping_max_out: int

    @property
    def pings(self) -> bool:
        """Whether the server answers pings; those before protocol 1 do not."""
        return bool(self.ping_requests) and self.ping_interval > 0

    @property
    def ping(self) -> bytes:
        """The payload of a ping."""
        return pb.Ping(conn_id=self.conn_id).SerializeToString()


def connect_request(
    client_id: str, conn_id: bytes, inbox: str, ping_interval: int, ping_max_out: int
) -> bytes:
    """Return the payload that registers a client; `ping_interval` in seconds."""
    return pb.ConnectRequest(
        client_id=client_id,
        conn_id=conn_id,
        heartbeat_inbox=inbox,
        protocol=wire.PROTOCOL,
        ping_interval=ping_interval,
        ping_max_out=ping_max_out,
    ).SerializeToString()


def read_connect_response(data: bytes, client_id: str, conn_id: bytes) -> Session:
    """Return the granted session; raise `ServerError` for a refusal, `BadReply` if it is no STAN server."""
    response = wire.decode(pb.ConnectResponse, data)
    if response.error:
        raise server_error(response.error, f"connect as {client_id!r}")
    needed = (response.pub_prefix, response.sub_requests, response.unsub_requests, response.close_requests)
    optional = (response.sub_close_requests, response.ping_requests)
    if not all(map(is_subject, [*needed, *filter(None, optional)])):
        raise BadReply(
            f"the answer to the connect request ({len(data)} bytes) lacks the server's subjects; "
            "check that a STAN server answers there"
        )
    if response.ping_requests and response.ping_interval > 0 and response.ping_max_out < 1:
        raise BadReply(
            f"the answer to the connect request allows {response.ping_max_out} unanswered pings; "
            "check that a STAN server answers there"
        )
    return Session(
        client_id=client_id,
        conn_id=conn_id,
        pub_prefix=response.pub_prefix,
        sub_requests=response.sub_requests,
        unsub_requests=response.unsub_requests,
        sub_close_requests=response.sub_close_requests,
        close_requests=response.close_requests,
        ping_requests=response.ping_requests,
        ping_interval=response.ping_interval,
        ping_max_out=response.ping_max_out,
    )
