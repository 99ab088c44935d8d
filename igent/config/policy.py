"""When the critic speaks."""

from __future__ import annotations

__all__ = ["CriticPolicy"]

from dataclasses import dataclass
from hashlib import sha256
from typing import Literal


@dataclass(frozen=True, slots=True)
class CriticPolicy:
    """When the critic is asked.

    `invalid`: only about drafts that fail the schema or a rule. `always`: about every draft. `never`: not at all;
    violations go straight back to the matcher. `sample`: as `invalid`, and about a `share` (0 to 1) of the valid
    drafts, to measure what skipping the critic costs.
    """

    kind: Literal["invalid", "always", "never", "sample"]
    share: float = 0.0

    @classmethod
    def parse(cls, text: str) -> CriticPolicy:
        """Read "invalid", "always", "never" or "sample:0.1". Raises ValueError that lists them."""
        word, _, share = text.strip().partition(":")
        if word in ("invalid", "always", "never") and not share:
            return cls(word)  # type: ignore[arg-type]  # the membership test above narrows it
        if word == "sample":
            try:
                value = float(share)
            except ValueError:
                value = -1.0
            if 0.0 <= value <= 1.0:
                return cls("sample", value)
        raise ValueError(f"{text!r} is no critic policy: always, invalid, never, or sample:P with P from 0 to 1")

    def __str__(self) -> str:
        return f"sample:{self.share:g}" if self.kind == "sample" else self.kind

    def asks(self, *, valid: bool, record_id: str, seed: int) -> bool:
        """Whether the critic is asked about a draft. The sample is drawn by record and seed, not by order."""
        match self.kind:
            case "never":
                return False
            case "always":
                return True
            case "invalid":
                return not valid
        digest = sha256(f"{seed}/{record_id}".encode()).digest()
        return not valid or int.from_bytes(digest[:8], "big") < self.share * 2**64
