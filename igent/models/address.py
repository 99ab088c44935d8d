"""Who is asked, and with which words: an endpoint's address, and the head of every request to it.

OpenAI is spoken to as `openai` does, with what the environment adds to that (an organisation, a project, headers of the
user's own). Elsewhere none of this is sent, for it is no business of others; nor is `openai` loaded, which takes 30 MB.
"""

from __future__ import annotations

__all__ = ["CHAT_PATH", "Target", "find_target"]

from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2

from igent.errors import AuthError, ConfigError, Problem
from igent.models.dial import Address
from igent.models.endpoint import Endpoint
from igent.models.proxy import Proxy, find_proxy

_OPENAI = "https://api.openai.com/v1"
_OPENAI_DOMAIN = ".openai.com"
CHAT_PATH = b"/chat/completions"
"""What follows the base address where chats are answered."""


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint, ready to be sent to.

    `host` is for messages: what else an address holds may be secret. `key` is what must not be shown, None for none.
    `head` is everything before the length of a request's body.
    """

    address: Address
    proxy: Proxy | None
    host: str
    key: str | None
    head: bytes


def find_target(endpoint: Endpoint, path: bytes = CHAT_PATH) -> Target:
    """Where an endpoint is and how it is spoken to; `path` follows its base address.

    Raises AuthError when OpenAI's own is asked for without a key, ConfigError when the address is not one, or a proxy
    or a header of the environment cannot be used.
    """
    key = _checked_key(endpoint)
    base = endpoint.base_url or _OPENAI
    host = _checked_host(base)
    url = _url(base, path)
    secure = url.scheme == "https"
    address = Address(secure, url.raw_host.decode("ascii"), url.port or (443 if secure else 80))
    fields = _openai_fields(key, base) if address.host.endswith(_OPENAI_DOMAIN) else _fields(key)
    fields["Host"] = address.authority
    # A stream is not packed: a server that packs holds back what it has.
    fields["Accept-Encoding"] = "identity" if endpoint.stream else "gzip"
    target = url.raw_path.decode("ascii")
    proxy = find_proxy(url.scheme, address.host, address.port)
    if proxy and not secure:
        target = f"http://{address.authority}{target}"
        if proxy.authorization:
            fields["Proxy-Authorization"] = proxy.authorization
    return Target(address, proxy, host, key, _head(target, fields))


def _url(base: str, behind: bytes) -> httpx2.URL:
    try:
        url = httpx2.URL(base)
    except httpx2.InvalidURL as error:
        raise _no_address() from error
    path, mark, query = url.raw_path.partition(b"?")
    return url.copy_with(raw_path=path.rstrip(b"/") + behind + mark + query)


def _fields(key: str | None) -> dict[str, str]:
    fields = {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": "igent"}
    return {"Authorization": f"Bearer {key}", **fields} if key else fields


def _openai_fields(key: str | None, base: str) -> dict[str, str]:
    import openai  # noqa: PLC0415 see the module's docstring

    # It opens no connection; verify=False spares it the certificates that it will never look at.
    sdk = openai.AsyncOpenAI(
        api_key=key or "none", base_url=base, max_retries=0, http_client=httpx2.AsyncClient(verify=False)
    )
    fields = {**(sdk.auth_headers if key else {}), **sdk.default_headers}
    return {name: value for name, value in fields.items() if not isinstance(value, openai.Omit)}


def _head(path: str, fields: dict[str, str]) -> bytes:
    lines = [f"POST {path} HTTP/1.1"]
    for name, value in fields.items():
        if not (name.isascii() and value.isascii() and value.isprintable()):
            raise ConfigError(Problem("", f"the header {name!r} cannot be sent", "look at the OPENAI_… variables"))
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "Content-Length: "]).encode("ascii")


def _checked_key(endpoint: Endpoint) -> str | None:
    key = endpoint.api_key.get_secret_value().strip() if endpoint.api_key else ""
    if not key and endpoint.base_url is None:
        raise AuthError(
            Problem("", "there is no key for OpenAI", "set OPENAI_API_KEY, or give --base-url, or --mock for no model")
        )
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise AuthError(Problem("", "the key holds characters that no key has", "set OPENAI_API_KEY anew"))
    return key or None


def _checked_host(url: str) -> str:
    """The host and port of an endpoint, for messages."""
    try:
        parts = urlsplit(url)
        host, port, private = parts.hostname, parts.port, parts.username or parts.password
    except ValueError:
        host, port, private, parts = None, None, None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise _no_address()
    if private:
        remedy = "take them out; the key goes into OPENAI_API_KEY"
        raise ConfigError(Problem("", "the address of the endpoint holds a user name or a password", remedy))
    return f"{host}:{port}" if port else host


def _no_address() -> ConfigError:
    remedy = "give --base-url like http://localhost:8000/v1"
    return ConfigError(Problem("", "the address of the endpoint is not one", remedy))
