"""What a connection failed of, in words, and what to do about it."""

from __future__ import annotations

__all__ = ["LOGIN_REMEDY", "cause_of"]

import errno
import socket
import ssl
from typing import NamedTuple

from igent.models.proxy import ProxyError

LOGIN_REMEDY = "name the proxy with its login in HTTPS_PROXY or HTTP_PROXY, or the endpoint's host in NO_PROXY"
"""For a proxy that answers 407."""


class _Cause(NamedTuple):
    """`what` is "" where nothing can be said."""

    what: str
    remedy: str


_UNKNOWN = _Cause("", "check --base-url, the network, DNS, the proxy and the certificates")
_NO_NAME = _Cause("DNS knows no such name", "check the host's name in --base-url, and DNS")
_UNTRUSTED = _Cause(
    "TLS: its certificate is not trusted",
    "if your company signed it, name its authority's file in SSL_CERT_FILE",
)
_HANDSHAKE = _Cause("TLS: the handshake failed", "does the port speak TLS? A plain server wants http:// in --base-url")
_LOGIN = _Cause("the proxy asks for a login", LOGIN_REMEDY)
_PROXY = _Cause("the proxy on the way does not let it through", "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY")
_NOBODY = _Cause("nothing listens there", "check the host and the port in --base-url, and that the server runs")
_HUNG_UP = _Cause(
    "it was closed before an answer came", "is http or https right in --base-url? Is a firewall in between?"
)
_NO_WAY = _Cause("no network leads there", "check the network, the VPN and the firewall")


def cause_of(error: Exception) -> _Cause:
    """Why a connection could not be made, or broke before the answer began, from the error that it ended with."""
    kinds: tuple[tuple[type[Exception], _Cause], ...] = (  # the first that fits: some are of two kinds
        (ProxyError, _LOGIN if isinstance(error, ProxyError) and error.login else _PROXY),
        (socket.gaierror, _NO_NAME),
        (UnicodeError, _NO_NAME),
        (ssl.SSLCertVerificationError, _UNTRUSTED),
        (ssl.SSLError, _HANDSHAKE),
        (ConnectionRefusedError, _NOBODY),
        (ConnectionError, _HUNG_UP),
    )
    if isinstance(error, OSError) and error.errno in {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN}:
        return _NO_WAY
    return next((cause for kind, cause in kinds if isinstance(error, kind)), _UNKNOWN)
