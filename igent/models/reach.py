"""How the clients of an endpoint come by a connection."""

from __future__ import annotations

__all__ = ["make_pool", "take_connection"]

import asyncio
import ssl

import httpx2

from igent.errors import ConfigError, Problem
from igent.models.address import Target
from igent.models.connection import Connection
from igent.models.dial import Dialer
from igent.models.endpoint import Endpoint
from igent.models.failure import CallErrors
from igent.models.pool import Pool

# Connections opened in advance: TLS takes round trips, TCP to a server nearby next to nothing.
_SPARES = 8


def make_pool(target: Target) -> Pool:
    """The connections to a target, none open yet. Raises ConfigError when the certificates to trust cannot be read."""
    secure = target.address.secure
    context = _context() if secure or (target.proxy and target.proxy.secure) else None
    return Pool(Dialer(target.address, target.proxy, context), _SPARES if secure else 0)


async def take_connection(pool: Pool, endpoint: Endpoint, errors: CallErrors, *, stream: bool) -> Connection:
    """One that is idle, or a new one. Raises ConnectError, or DeadlineError by the first of the endpoint's deadlines
    that bound a call, streamed or not, from its begin."""
    idle = pool.idle()
    if idle is not None:
        return idle
    bounds = {"connect": endpoint.connect, "total": endpoint.total}
    if stream:
        bounds["first_token"] = endpoint.first_token
    name = min(bounds, key=bounds.__getitem__)
    try:
        async with asyncio.timeout(bounds[name]):
            return await pool.open()
    except TimeoutError as error:
        late = errors.deadline(name, bounds[name])
        late.reached = False
        raise late from error
    except (OSError, UnicodeError) as error:
        raise errors.connection(error) from error


def _context() -> ssl.SSLContext:
    """What certificates are trusted: the same as `openai` trusts, SSL_CERT_FILE and SSL_CERT_DIR included."""
    try:
        context = httpx2.create_ssl_context()
    except OSError as error:
        problem = f"the certificates to trust cannot be read: {error}"
        raise ConfigError(Problem("", problem, "look at SSL_CERT_FILE and SSL_CERT_DIR")) from error
    context.set_alpn_protocols(["http/1.1"])
    return context
