"""A TLS handshake with a node, as a new client makes it, to see whether its certificate is accepted."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

from stanlocal.model.plan import GroupPlan, NodePlan

_PATIENCE_S = 5.0


async def refusal(plan: GroupPlan, node: NodePlan) -> str:
    """Return a sentence that says whether a new client accepts the node's certificate, and if not, why.

    The monitor's port is dialled: it has the certificate that clients see, and begins with the handshake.
    """
    context = ssl.create_default_context(cafile=plan.trusted_file)
    try:
        async with asyncio.timeout(_PATIENCE_S):
            _, writer = await asyncio.open_connection(plan.host, node.monitor_port, ssl=context)
    except ssl.SSLCertVerificationError as error:
        return f"a new client refuses {node.name} ({error.verify_message})"
    except (OSError, TimeoutError) as error:
        return f"a new client does not reach {node.name} ({str(error) or 'no answer'})"
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return f"a new client accepts {node.name}"
