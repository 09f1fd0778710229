"""The errors that the server's refusals become, by the texts of nats-streaming-server 0.25.6. Pure."""

from __future__ import annotations

from stanlocal.stan.errors import (
    AlreadyExists,
    ChannelBeingDeleted,
    ChannelCaseConflict,
    ClientIDInUse,
    ClientReplaced,
    DuplicateDurable,
    InvalidAckWait,
    InvalidClientID,
    InvalidCloseRequest,
    InvalidConnectRequest,
    InvalidDurableName,
    InvalidMaxInflight,
    InvalidPublishRequest,
    InvalidStartPosition,
    InvalidSubject,
    InvalidSubscription,
    InvalidSubscriptionRequest,
    InvalidUnsubscribeRequest,
    NoConfiguredChannel,
    NotFound,
    ServerError,
    ServerShuttingDown,
    StoreFailed,
    TooManyChannels,
    TooManySubscriptions,
    UnknownChannel,
    UnknownClient,
)

SERVER_TEXTS: dict[str, type[ServerError]] = {
    "stan: invalid subject": InvalidSubject,
    "stan: invalid start position": InvalidStartPosition,
    "stan: invalid subscription": InvalidSubscription,
    "stan: clientID already registered": ClientIDInUse,
    "stan: clientID missing": InvalidClientID,
    "stan: invalid clientID: only alphanumeric and `-` or `_` characters allowed": InvalidClientID,
    "stan: invalid ack wait time, should be >= 1s": InvalidAckWait,
    "stan: invalid MaxInflight, should be >= 1": InvalidMaxInflight,
    "stan: invalid connection request": InvalidConnectRequest,
    "stan: invalid publish request": InvalidPublishRequest,
    "stan: invalid subscription request": InvalidSubscriptionRequest,
    "stan: invalid unsubscribe request": InvalidUnsubscribeRequest,
    "stan: invalid close request": InvalidCloseRequest,
    "stan: duplicate durable registration": DuplicateDurable,
    "stan: durable name of a durable queue subscriber can't contain the character ':'": InvalidDurableName,
    "stan: unknown clientID": UnknownClient,
    "stan: unknown channel": UnknownChannel,
    "stan: no configured channel": NoConfiguredChannel,
    "stan: channel is being deleted": ChannelBeingDeleted,
    "client has been replaced or is no longer registered": ClientReplaced,
    "too many channels": TooManyChannels,
    "too many subscriptions per channel": TooManySubscriptions,
    "already exists": AlreadyExists,
    "not found": NotFound,
}
"""The server's texts, word for word, and the class that each becomes."""

SERVER_PHRASES: dict[str, type[ServerError]] = {
    "different cases not allowed": ChannelCaseConflict,
    "store is being closed": ServerShuttingDown,
    "sql: database is closed": ServerShuttingDown,
    "sql: statement is closed": ServerShuttingDown,
    "server is shutting down": ServerShuttingDown,
    "no space left on device": StoreFailed,
    "input/output error": StoreFailed,
    "read-only file system": StoreFailed,
    "permission denied": StoreFailed,
    "too many open files": StoreFailed,
    "file too large": StoreFailed,
    "disk quota exceeded": StoreFailed,
}
"""Parts of texts that carry names or paths, and the class they become."""

ADVICE: dict[type[ServerError], str] = {
    ClientIDInUse: "close that client or choose another id",
    ClientReplaced: "connect again",
    InvalidPublishRequest: "the server does not know this client any more: connect again",
    DuplicateDurable: "close the other subscription or choose another durable name",
    InvalidDurableName: "choose a durable name without ':'",
    ChannelBeingDeleted: "try again",
    ChannelCaseConflict: "use the existing channel's spelling",
    TooManyChannels: "raise max_channels in the server's store limits",
    TooManySubscriptions: "raise max_subs in the server's store limits",
    NoConfiguredChannel: "add the channel to the server's configured channels",
    ServerShuttingDown: "the server ends; try again once a node is active",
    StoreFailed: "see the server's log",
}
"""Next step after a refusal, where the server's words do not say it."""


def one_line(text: str, most: int = 300) -> str:
    """Return a server's text for an error message: on one line, printable, at most `most` characters."""
    shown = "".join(each if each.isprintable() else repr(each)[1:-1] for each in text[:most])
    return shown if len(text) <= most else f"{shown}… ({len(text)} characters)"


def server_error(text: str, doing: str) -> ServerError:
    """Return the error for the server's `text`; `doing` says what was asked, as ``publish to 'orders'``."""
    kind = SERVER_TEXTS.get(text)
    if kind is None:
        matches = (known for phrase, known in SERVER_PHRASES.items() if phrase in text)
        kind = next(matches, ServerError)
    advice = ADVICE.get(kind)
    reason = one_line(text.removeprefix("stan: "))
    return kind(f"{doing} refused: {reason}{f'; {advice}' if advice else ''}", text)
