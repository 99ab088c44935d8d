"""What the mock server counts."""

from __future__ import annotations

__all__ = ["Served"]

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Served:
    """The counters of one server, see MockServer."""

    requests: int = 0
    tokens_sent: int = 0
    tokens_after_json: int = 0
    disconnects: int = 0
    prompt_tokens: int = 0
    in_flight: int = 0
    peak_in_flight: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    embeddings: Counter[str] = field(default_factory=lambda: Counter(calls=0, texts=0, prompt_tokens=0))

    def begin(self) -> None:
        """A request is being worked on."""
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)

    def end(self) -> None:
        """It no longer is."""
        self.in_flight -= 1

    def to_json(self) -> dict[str, Any]:
        """As GET /stats shows them."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: dict(value) if isinstance(value, Counter) else value for name, value in values.items()}
