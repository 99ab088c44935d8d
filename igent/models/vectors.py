"""The words of the OpenAI embeddings protocol: what a request says, and what may be taken for its answer."""

from __future__ import annotations

__all__ = ["Embeddings", "embeddings_body", "read_embeddings"]

import base64
import binascii
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from igent.errors import ProtocolError
from igent.flow import Vector
from igent.models.failure import CallErrors


@dataclass(frozen=True, slots=True)
class Embeddings:
    """The answer to one call: the vectors in the order of its texts, all of `size` numbers and of length 1; the
    `tokens` that it says it took (None: it does not), and the `model` that it names ("": none)."""

    vectors: list[Vector[float]]
    size: int
    tokens: int | None
    model: str


def embeddings_body(model: str, texts: Sequence[str], *, packed: bool) -> bytes:
    """The JSON body of a call; `packed` asks for base64, a third of the bytes. Lone surrogates become "?"."""
    plain = [text.encode("utf-8", "replace").decode() for text in texts]
    body: dict[str, Any] = {"model": model, "input": plain}
    if packed:
        body["encoding_format"] = "base64"
    return orjson.dumps(body)


def read_embeddings(raw: bytes, count: int, errors: CallErrors) -> Embeddings:
    """What is in the reply to a call with so many texts.

    Each vector goes to the text that its `index` names: nothing is guessed from the order. Raises ProtocolError unless
    each text has exactly one, and all are of one size, finite and not zero; for an error object, the error that it is.
    """
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise errors.protocol("a reply that is not JSON" if raw.strip() else "an empty reply", raw) from error
    if not isinstance(body, dict):
        raise errors.protocol("not an object of the embeddings protocol", raw)
    if body.get("error"):
        raise errors.payload(body, raw)
    data = body.get("data")
    if not isinstance(data, list) or not all(isinstance(entry, dict) for entry in data):
        raise errors.protocol("a reply without a list of embeddings", raw)
    rows = [_numbers(entry.get("embedding"), errors) for entry in _in_order(data, count, errors)]
    sizes = sorted({len(row) for row in rows})
    if len(sizes) > 1:
        raise errors.protocol(f"embeddings of {' and '.join(map(str, sizes))} numbers in one reply")
    usage = body.get("usage")
    tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    model = body.get("model")
    return Embeddings(
        [_unit(row, errors) for row in rows],
        sizes[0] if sizes else 0,
        tokens if isinstance(tokens, int) and tokens > 0 else None,
        model if isinstance(model, str) else "",
    )


def _in_order(data: Sequence[dict[str, Any]], count: int, errors: CallErrors) -> list[dict[str, Any]]:
    if len(data) != count:
        raise errors.protocol(f"{len(data)} embeddings for {count} texts")
    places: dict[int, dict[str, Any]] = {}
    for entry in data:
        index = entry.get("index")
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < count:
            raise errors.protocol(f"an embedding with the index {index!r:.40}, of {count} texts")
        if index in places:
            raise errors.protocol(f"two embeddings with the index {index}")
        places[index] = entry
    return [places[index] for index in range(count)]


def _numbers(embedding: Any, errors: CallErrors) -> np.ndarray[Any, np.dtype[np.float64]]:
    """From a list of numbers, or float32 (little-endian) in base64."""
    try:
        if isinstance(embedding, str):
            found = np.frombuffer(base64.b64decode(embedding, validate=True), "<f4").astype(np.float64)
        elif isinstance(embedding, list) and all(type(number) in (int, float) for number in embedding):
            found = np.array(embedding, np.float64)
        else:
            raise errors.protocol(f"an embedding that is none: {embedding!r:.60}")
    except (binascii.Error, ValueError, OverflowError) as error:
        raise errors.protocol(f"an embedding that cannot be read: {error}") from error
    if not len(found):
        raise errors.protocol("an embedding without numbers")
    return found


def _unit(row: np.ndarray[Any, np.dtype[np.float64]], errors: CallErrors) -> Vector[float]:
    with np.errstate(over="ignore", invalid="ignore"):
        length = float(np.sqrt((row * row).sum()))
    if not (0.0 < length < np.inf):
        raise _no_direction(length, errors)
    found = array("f")
    found.frombytes((row / length).astype(np.float32).tobytes())
    return found


def _no_direction(length: float, errors: CallErrors) -> ProtocolError:
    if length == 0.0:
        return errors.protocol("an embedding of zeros, which has no direction")
    return errors.protocol("an embedding with numbers that are not finite")
