"""Embeddings without an endpoint: the small static model that the package `wordllama` carries.

Only the files of that package are used, not its code: importing that sets up logging, and loading the model through it
asks the network for a file that lies beside it.
"""

from __future__ import annotations

__all__ = ["LocalEmbedder"]

import asyncio
import threading
from array import array
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from igent.errors import ConfigError, Problem
from igent.flow import Vector

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

_PACKAGE = "wordllama"
_WEIGHTS = Path("weights/l2_supercat_256.safetensors")
_TOKENIZER = Path("tokenizers/l2_supercat_tokenizer_config.json")
_NEEDED = (_PACKAGE, "numpy", "safetensors", "tokenizers")
_REMEDY = "pip install 'wordllama>=0.4,<0.5', or name an embedding model of the endpoint in the place of `local`"


class LocalEmbedder:
    """An Embed (see igent.flow): the mean of the vectors of a text's tokens, 256 numbers, normalised to length 1.

    An embedding depends on nothing but its text: batches and threads change no bit of it. Case counts, the order of
    words does not. A text that is empty or blank has no direction: its embedding is all zeros, and its
    cosine with everything is 0. There are no unknown words: what the vocabulary does not have is taken by its bytes.

    The model (35 MB of memory with its vocabulary, 0.15 s) is loaded once a process, with the first text, from the
    installed package: no network, no file is written. The work is done in a thread. `name` is for cache keys: model and
    version.

    Raises ConfigError when the package is not installed, or has no such model.
    """

    def __init__(self) -> None:
        self._folder = _folder()
        self.name = f"local:wordllama-l2-256-{version(_PACKAGE)}"
        self._lock = threading.Lock()
        self._model: _Model | None = None

    async def __call__(self, texts: Sequence[str]) -> list[Vector[float]]:
        """The embedding of each text, in their order. Raises ConfigError when the model's files are damaged."""
        return await asyncio.to_thread(self.embed, list(texts)) if texts else []

    def embed(self, texts: Sequence[str]) -> list[Vector[float]]:
        """The same without an event loop; from any thread. Raises as well."""
        with self._lock:
            model = self._model = self._model or _load(self._folder)
        return [model.embed(text) for text in texts]


class _Model:
    """A vocabulary, and a vector for each of its tokens."""

    def __init__(self, tokenizer: Tokenizer, vectors: NDArray[np.floating]) -> None:
        self._tokenizer = tokenizer
        self._vectors = vectors

    def embed(self, text: str) -> Vector[float]:
        found = array("f")
        if not text.strip():
            found.frombytes(bytes(4 * self._vectors.shape[1]))
            return found
        # One text a call: a batch is spread over threads of its own, which do not live on where a process is forked.
        plain = text.encode("utf-8", "replace").decode()  # lone surrogates are no text
        tokens = self._tokenizer.encode(plain, add_special_tokens=False).ids
        total = self._vectors[tokens].sum(axis=0, dtype="float64")
        length = float((total * total).sum()) ** 0.5
        found.frombytes((total / length if length else total).astype("float32").tobytes())
        return found


def _folder() -> Path:
    """Where the installed package is."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ConfigError(Problem("", f"the local embeddings need {', '.join(missing)}, not installed here", _REMEDY))
    try:
        spec, installed = find_spec(_PACKAGE), version(_PACKAGE)
    except PackageNotFoundError:
        spec, installed = None, "?"
    folder = Path(spec.origin).parent if spec and spec.origin else Path()
    absent = [str(name) for name in (_WEIGHTS, _TOKENIZER) if not (folder / name).is_file()]
    if absent:
        problem = f"wordllama {installed} comes without {' and '.join(absent)}"
        raise ConfigError(Problem("", problem, _REMEDY))
    return folder


@cache  # a process that has several runs needs it once: what a run leaves behind is not freed at once
def _load(folder: Path) -> _Model:
    from safetensors import SafetensorError  # noqa: PLC0415 these two take 20 MB that most runs do not need
    from safetensors.numpy import load_file  # noqa: PLC0415
    from tokenizers import Tokenizer  # noqa: PLC0415

    try:
        tokenizer = Tokenizer.from_buffer((folder / _TOKENIZER).read_bytes())
        (vectors,) = load_file(folder / _WEIGHTS).values()
    except (OSError, SafetensorError, ValueError) as error:
        raise ConfigError(Problem("", f"the local embedding model cannot be read: {error}", _REMEDY)) from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    if vectors.ndim != 2 or vectors.shape[0] < tokenizer.get_vocab_size():
        raise ConfigError(Problem("", "the local embedding model does not fit its vocabulary", _REMEDY))
    return _Model(tokenizer, vectors)  # of float16: half the memory, and exact in the float64 of the sums
