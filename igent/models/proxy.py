"""Which proxy the environment asks for."""

from __future__ import annotations

__all__ = ["Proxy", "ProxyError", "find_proxy"]

import base64
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies

from igent.errors import ConfigError, Problem


class ProxyError(OSError):
    """The proxy opens no way to the endpoint; `login` when it is for want of a user name and password."""

    def __init__(self, what: str, *, login: bool = False) -> None:
        super().__init__(what)
        self.login = login


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy; `authorization` is the value of its header, "" for none. Nothing here is for messages."""

    secure: bool
    host: str
    port: int
    authorization: str


def find_proxy(scheme: str, host: str, port: int, environment: Mapping[str, str] | None = None) -> Proxy | None:
    """The proxy on the way to an endpoint; None for none.

    `environment` is what urllib.request.getproxies gives, and the default: http_proxy, https_proxy, all_proxy and
    no_proxy in either case, or what the system is set to. In no_proxy, parted by commas: "*", a name (with all below
    it; with a dot in front, only those), an address or a network ("10.0.0.0/8"), each with a port or without.

    Raises ConfigError when the proxy is not an HTTP proxy.
    """
    known = getproxies() if environment is None else environment
    address = known.get(scheme) or known.get("all")
    if not address or _is_excepted(host.lower(), port, known.get("no", "")):
        return None
    return _proxy(address if "://" in address else f"http://{address}")


def _is_excepted(host: str, port: int, exceptions: str) -> bool:
    return any(_covers(entry.strip().lower(), host, port) for entry in exceptions.split(",") if entry.strip())


def _covers(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:  # one of them is a name
        parts = _split(f"//{entry}")
    if parts is None or not parts.hostname or parts.port not in (None, port):
        return False
    name = parts.hostname.removeprefix("*")
    return host.endswith(name) if name.startswith(".") else host == name or host.endswith(f".{name}")


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 -- raises where it is not a number
    except ValueError:
        return None
    return parts


def _proxy(address: str) -> Proxy:
    parts = _split(address)
    if parts is None or not parts.hostname:
        _refuse("is not an address")
    if parts.scheme not in ("http", "https"):
        _refuse(f"is of the kind {parts.scheme}")
    secure = parts.scheme == "https"
    login = ""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        login = "Basic " + base64.b64encode(pair.encode()).decode()
    return Proxy(secure, parts.hostname, parts.port or (443 if secure else 80), login)


def _refuse(what: str) -> NoReturn:
    remedy = "give an HTTP proxy in HTTPS_PROXY (HTTP_PROXY, ALL_PROXY), or name the endpoint's host in NO_PROXY"
    raise ConfigError(Problem("", f"the proxy that the environment names {what}", remedy))
