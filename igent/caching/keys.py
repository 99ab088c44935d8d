"""What entries are filed under: a SHA-256 over everything that decides the value.

Every part is hashed with its length, and each kind of key begins with its own name, so that no two meet.
"""

from __future__ import annotations

__all__ = ["answer_key", "embedding_key", "endpoint_name", "extraction_key"]

import re
from collections.abc import Iterable
from hashlib import sha256
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import orjson

from igent.fence import without_fence
from igent.types import ChatRequest

_OPENAI = "https://api.openai.com/v1"
_PORTS = {"http": 80, "https": 443}
_SECRET = re.compile(r"key|token|secret|sig|pass|auth|cred", re.IGNORECASE)


def extraction_key(file_sha256: str, method: str) -> bytes:
    """Of what was read from a file: the SHA-256 of its bytes in hex, and how it was read, with the version of that."""
    return _key("extraction", file_sha256.lower(), method)


def embedding_key(model: str, text: str, endpoint: str = "") -> bytes:
    """Of the vector of a text. `endpoint` is the `endpoint_name` of who makes it; "" is this machine itself."""
    return _key("embedding", endpoint, model, text)


def answer_key(endpoint: str, request: ChatRequest) -> bytes:
    """Of the answer to a request: who is asked (`endpoint_name`), the model, its options, and role, text and images
    of each message. Another fence around the same data is the same question, and so it is whoever asks.

    Raises TypeError for options that are no JSON.
    """
    options = orjson.dumps(dict(request.options), option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()
    said = (
        part
        for message in request.messages
        for part in (
            message.role,
            without_fence(message.content),
            *(sha256(image).hexdigest() for image in message.images),
        )
    )
    return _key("answer", endpoint, request.model, options, *said)


def endpoint_name(base_url: str | None) -> str:
    """One name for each way to write the same address; None is OpenAI's own. It holds no credentials: user and password
    are left out, and what a query calls a key, a token or the like."""
    try:
        parts = urlsplit((base_url or _OPENAI).strip())
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return "(not a URL)"
    scheme = parts.scheme.lower()
    host = f"[{host}]" if ":" in host else host
    place = host if port in {None, _PORTS.get(scheme)} else f"{host}:{port}"
    query = [
        (name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if not _SECRET.search(name)
    ]
    return urlunsplit((scheme, place, parts.path.rstrip("/"), urlencode(query), ""))


def _key(*parts: str) -> bytes:
    digest = sha256()
    for data in _encoded(parts):
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.digest()


def _encoded(parts: Iterable[str]) -> Iterable[bytes]:
    return (part.encode("utf-8", "surrogatepass") for part in parts)
