"""Every error the STAN client raises on purpose.

::

    StanError                         stanlocal.errors
    ├── InvalidName                   a channel, client id, cluster id or durable that no server accepts
    ├── InvalidOption                 an option with an impossible value
    ├── ConnectFailed                 no NATS server accepted the client
    ├── NoActiveServer                NATS answers, and says that no streaming server listens
    ├── RequestTimeout                no answer to a request; a TimeoutError too
    │   ├── ConnectTimeout  SubscribeTimeout  UnsubscribeTimeout  CloseTimeout
    ├── MessageTimeout                no message within the subscription's next_timeout; a TimeoutError too
    ├── PublishTimeout                no ack in time: the message may or may not be stored; a TimeoutError too
    ├── ConnectionInterrupted         the way to the active broke before the ack: the same doubt
    ├── PayloadTooLarge               more bytes than the server takes             .size .limit
    ├── ConnectionClosed              closed by you
    ├── ConnectionLost                ended from outside: pings failed, client replaced, NATS closed
    ├── SubscriptionClosed            closed by you, or removed
    ├── AckRefused                    .ack() where it has no meaning
    │   ├── NotManualAck  AlreadyAcked
    ├── BadReply                      bytes that are not the protocol's
    └── ServerError                   the server said no                           .text
        ├── ClientIDInUse  ClientReplaced  UnknownClient  InvalidClientID
        ├── InvalidSubject  InvalidStartPosition  InvalidSubscription  InvalidAckWait  InvalidMaxInflight
        ├── InvalidConnectRequest  InvalidPublishRequest  InvalidSubscriptionRequest
        ├── InvalidUnsubscribeRequest  InvalidCloseRequest
        ├── DuplicateDurable  InvalidDurableName
        ├── UnknownChannel  NoConfiguredChannel  ChannelBeingDeleted  ChannelCaseConflict
        ├── TooManyChannels  TooManySubscriptions  AlreadyExists  NotFound
        ├── ServerShuttingDown        another node takes over: ask again
        └── StoreFailed               the server's disk or store; all else is a plain ServerError

The server's own words are kept in `ServerError.text`; `stanlocal.stan.refusals` has the class of each.
"""

from __future__ import annotations

from stanlocal.errors import StanError

__all__ = [
    "AckRefused",
    "AlreadyAcked",
    "AlreadyExists",
    "BadReply",
    "ChannelBeingDeleted",
    "ChannelCaseConflict",
    "ClientIDInUse",
    "ClientReplaced",
    "CloseTimeout",
    "ConnectFailed",
    "ConnectTimeout",
    "ConnectionClosed",
    "ConnectionInterrupted",
    "ConnectionLost",
    "DuplicateDurable",
    "InvalidAckWait",
    "InvalidClientID",
    "InvalidCloseRequest",
    "InvalidConnectRequest",
    "InvalidDurableName",
    "InvalidMaxInflight",
    "InvalidName",
    "InvalidOption",
    "InvalidPublishRequest",
    "InvalidStartPosition",
    "InvalidSubject",
    "InvalidSubscription",
    "InvalidSubscriptionRequest",
    "InvalidUnsubscribeRequest",
    "MessageTimeout",
    "NoActiveServer",
    "NoConfiguredChannel",
    "NotFound",
    "NotManualAck",
    "PayloadTooLarge",
    "PublishTimeout",
    "RequestTimeout",
    "ServerError",
    "ServerShuttingDown",
    "StanError",
    "StoreFailed",
    "SubscribeTimeout",
    "SubscriptionClosed",
    "TooManyChannels",
    "TooManySubscriptions",
    "UnknownChannel",
    "UnknownClient",
    "UnsubscribeTimeout",
]


class InvalidName(StanError):
    """A channel, client id, cluster id, durable or queue group that no server accepts; nothing was sent."""


class InvalidOption(StanError):
    """An option with an impossible value; nothing was sent."""


class ConnectFailed(StanError):
    """No NATS server accepted the client; the last reason is the error's cause."""


class NoActiveServer(StanError):
    """NATS says at once that no streaming server listens for this cluster id; nothing was stored."""


class RequestTimeout(StanError, TimeoutError):
    """No answer to a request; the server may or may not have done what was asked."""


class ConnectTimeout(RequestTimeout):
    """No answer to the connect request."""


class SubscribeTimeout(RequestTimeout):
    """No answer to a subscription request."""


class UnsubscribeTimeout(RequestTimeout):
    """No answer to an unsubscribe request."""


class CloseTimeout(RequestTimeout):
    """No answer to a close request, of a subscription or of the client."""


class MessageTimeout(StanError, TimeoutError):
    """No message came within the subscription's `next_timeout`; it can be iterated again."""


class PublishTimeout(StanError, TimeoutError):
    """No ack before the deadline: the message may or may not be stored."""


class ConnectionInterrupted(StanError):
    """The way to the active broke before the answer: what was asked may or may not have been done."""


class PayloadTooLarge(StanError):
    """The message, with what the protocol adds, is more than the server's `max_payload`; nothing was sent."""

    def __init__(self, message: str, size: int, limit: int) -> None:
        super().__init__(message)
        self.size = size
        self.limit = limit


class ConnectionClosed(StanError):
    """The client was closed by its owner."""


class ConnectionLost(StanError):
    """The client is gone for good, and its owner did not close it: connect again."""


class SubscriptionClosed(StanError):
    """The subscription was closed or unsubscribed by its owner."""


class AckRefused(StanError):
    """`Message.ack()` where it has no meaning; nothing was sent."""


class NotManualAck(AckRefused):
    """The subscription acknowledges by itself."""


class AlreadyAcked(AckRefused):
    """This delivery of the message was acknowledged before."""


class BadReply(StanError):
    """A reply or a delivery whose bytes are not the protocol's."""


class ServerError(StanError):
    """The server refused; `text` holds its own words."""

    def __init__(self, message: str, text: str) -> None:
        super().__init__(message)
        self.text = text


class ClientIDInUse(ServerError):
    """Another client with this id answers the server: choose another id, or close that one."""


class ClientReplaced(ServerError):
    """The server no longer knows this connection: a newer one took the id, or the server's data is gone."""


class UnknownClient(ServerError):
    """The server does not know this client id."""


class InvalidClientID(ServerError):
    """The client id is missing, or has characters other than letters, digits, `-` and `_`."""


class InvalidSubject(ServerError):
    """The channel's name is not one the server takes."""


class InvalidStartPosition(ServerError):
    """The start position cannot be, or is out of the channel's range."""


class InvalidSubscription(ServerError):
    """The server has no such subscription."""


class InvalidAckWait(ServerError):
    """The ack wait is below one second."""


class InvalidMaxInflight(ServerError):
    """`max_inflight` is below one."""


class InvalidConnectRequest(ServerError):
    """The server could not use the connect request."""


class InvalidPublishRequest(ServerError):
    """The server does not know the publishing client, or could not read the message."""


class InvalidSubscriptionRequest(ServerError):
    """The server could not use the subscription request."""


class InvalidUnsubscribeRequest(ServerError):
    """The server could not use the unsubscribe request."""


class InvalidCloseRequest(ServerError):
    """The server could not use the close request."""


class DuplicateDurable(ServerError):
    """This client already has an open durable of that name on the channel."""


class InvalidDurableName(ServerError):
    """A durable queue group's durable name may not contain `:`."""


class UnknownChannel(ServerError):
    """The server has no such channel."""


class NoConfiguredChannel(ServerError):
    """The server has partitioning, and the channel is not among those it serves."""


class ChannelBeingDeleted(ServerError):
    """The channel passed its inactivity limit just now; try again."""


class ChannelCaseConflict(ServerError):
    """A channel whose name differs only in upper and lower case exists."""


class TooManyChannels(ServerError):
    """The server's `max_channels` is reached."""


class TooManySubscriptions(ServerError):
    """The channel's `max_subs` is reached."""


class AlreadyExists(ServerError):
    """The store has that record already."""


class NotFound(ServerError):
    """The store has no such record."""


class ServerShuttingDown(ServerError):
    """The server has closed its store because it ends; nothing was done, and another node takes over."""


class StoreFailed(ServerError):
    """The server's disk or store failed; the message is not stored."""
