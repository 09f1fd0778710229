"""Registration again, where a server no longer knows the client."""

from __future__ import annotations

from stanlocal.stan.errors import (
    ClientIDInUse,
    ConnectionInterrupted,
    ConnectionLost,
    NoActiveServer,
    RequestTimeout,
    ServerError,
    ServerShuttingDown,
)
from stanlocal.stan.link import log
from stanlocal.stan.options import ClientOptions
from stanlocal.stan.refusals import one_line
from stanlocal.stan.registration import Registration
from stanlocal.stan.registry import Registry
from stanlocal.stan.state import ConnectionState


class Renewal:
    """Renewal of a registration and its subscriptions, with `reconnect`; without it the client is lost."""

    def __init__(
        self,
        registration: Registration,
        subscriptions: Registry,
        options: ClientOptions,
        state: ConnectionState,
    ) -> None:
        self._registration = registration
        self._subscriptions = subscriptions
        self._options = options
        self._state = state

    async def register_again(self, refusal: ServerError) -> bool:
        """Register the client again; return False if it has been lost instead, because of `refusal`."""
        state = self._state
        while self._options.reconnect and state.end_reason is None:
            try:
                state.register(await self._registration.register(patient=True))
                for subscription in list(self._subscriptions.open):
                    await self._subscriptions.renew(subscription)
            except ClientIDInUse as error:
                refusal = error
                break
            except (NoActiveServer, RequestTimeout, ConnectionInterrupted, ServerShuttingDown) as error:
                log.debug("not registered again yet: %s", error)
                continue
            log.info("registered again as %r", state.session.client_id)
            return True
        lost = ConnectionLost(
            f"connection lost: {one_line(refusal.text.removeprefix('stan: '))}; connect again"
        )
        lost.__cause__ = refusal
        state.lose(lost)
        return False
