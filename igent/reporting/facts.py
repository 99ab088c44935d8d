"""What the run itself knows and no outcome tells: the circumstances of a report."""

from __future__ import annotations

__all__ = ["RunFacts", "versions", "without_secrets"]

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from urllib.parse import urlsplit, urlunsplit

from igent.types import JsonObject

_PACKAGES = ("igent", "autogen-agentchat", "openai")


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One run: what of (names and folders as the user gave them), when, how.

    `started` is ISO 8601; `wall_seconds` of this process, from the first record to the last view; `concurrency` records
    in flight at most; `concurrency_history` how `--concurrency auto` changed that limit: (seconds from the start, the
    new limit, why), empty for a fixed one; `speculation_off` why phases no longer started early, None where they
    did to the end; `requests_sent` to the endpoint, retries and second calls included, None where nobody counted them;
    `quota_wait_seconds` that calls waited for the provider's limits, all calls together; `resumed` outcomes that were
    there when this process began; `limit` the limit that ended the run, in words; `dropped_bytes` of a damaged
    journal's end; `phases` their names in order; `models` agent -> model; `mock_latency` the pace of mock answers,
    None: instant; `base_url` None for the provider's own; `versions` see the function of that name.
    """

    constellation: str
    workload: str
    scenario: str
    data: str
    out: str
    started: str
    wall_seconds: float
    concurrency: int
    concurrency_history: tuple[tuple[float, int, str], ...] = ()
    speculation_off: str | None = None
    requests_sent: int | None = None
    quota_wait_seconds: float = 0.0
    seed: int = 0
    mock: bool = False
    mock_latency: str | None = None
    base_url: str | None = None
    resumed: int = 0
    interrupted: bool = False
    limit: str | None = None
    dropped_bytes: int = 0
    phases: tuple[str, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> JsonObject:
        """As in summary.json: without `versions`, which stands apart there, and without what a URL may hold of
        credentials."""
        known = {name: _encodable(value) for name, value in asdict(self).items()}
        del known["versions"]
        known["phases"] = list(self.phases)
        known["concurrency_history"] = [[round(at, 3), limit, why] for at, limit, why in self.concurrency_history]
        known["wall_seconds"] = round(self.wall_seconds, 6)
        known["quota_wait_seconds"] = round(self.quota_wait_seconds, 3)
        known["base_url"] = self.base_url and without_secrets(self.base_url)
        return known


def versions() -> dict[str, str]:
    """The versions that a result depends on: python, igent, autogen-agentchat, openai; "unknown" where a package is not
    installed (igent run from a bare checkout)."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "unknown"
    return found


def _encodable(value: object) -> object:
    # The name of a folder may hold bytes that are no UTF-8; Python keeps them as lone surrogates, which JSON refuses.
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def without_secrets(url: str) -> str:
    """The URL without what it may hold of credentials: user, password, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(not a URL)"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
