"""What `igent doctor` looks at."""

from __future__ import annotations

__all__ = ["Finding", "check_all"]

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from igent.clock import SYSTEM_CLOCK
from igent.config.constellation import RunSpec
from igent.config.locate import list_constellations, shipped_root
from igent.config.settings import Settings
from igent.errors import ConfigError, IgentError
from igent.files import replace_file
from igent.models.http import OpenAIModel
from igent.reporting.facts import versions, without_secrets
from igent.types import CallContext, ChatMessage, ChatRequest
from igent.workflows.constellation import load_constellation
from igent.workflows.model import build_endpoint


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `ok` is None for what is neither good nor bad; `what` says it, with the remedy."""

    ok: bool | None
    what: str


def check_all(settings: Settings, model: str | None) -> list[Finding]:
    """Look at everything. A call is made only when `model` is given: it may cost a fraction of a cent."""
    return [*_software(), *_disk(Path.cwd()), *_constellations(), *_key(settings), *_call(settings, model)]


def _software() -> Iterator[Finding]:
    for name, version in versions().items():
        yield Finding(version != "unknown", f"{name} {version}")


def _disk(folder: Path) -> Iterator[Finding]:
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".igent-") as place:
            started = SYSTEM_CLOCK.now()
            replace_file(Path(place) / "probe", [b"probe\n"])
            seconds = SYSTEM_CLOCK.now() - started
    except OSError as error:
        yield Finding(False, f"{folder} cannot be written to: {error.strerror}; run igent where it can, or use --out")
        return
    yield Finding(True, f"{folder} can be written to; a durable write takes {seconds * 1000:.1f} ms")


def _constellations() -> Iterator[Finding]:
    known = list_constellations()
    if not known:
        yield Finding(False, f"no constellations in ./constellations or {shipped_root()}; install igent again")
    for path in known.values():
        try:
            load_constellation(str(path))
        except ConfigError as error:
            yield Finding(False, f"{error.problems[0]}; see: igent validate {path}")
    yield Finding(True, f"{len(known)} constellations: {', '.join(known)}")


def _key(settings: Settings) -> Iterator[Finding]:
    where = without_secrets(settings.base_url) if settings.base_url else "the provider's own endpoint"
    key = settings.key()
    if key is not None:
        yield Finding(True, f"a key of {len(key.get_secret_value())} characters is set, for {where}")
    elif (host := settings.withheld_from()) is not None:
        yield Finding(None, f"OPENAI_API_KEY is not sent to {host}: set IGENT_API_KEY, or give --allow-host {host}")
    elif settings.base_url:
        yield Finding(None, f"no key is set; fine if {where} asks for none")
    else:
        yield Finding(None, "no key: set OPENAI_API_KEY, or name an endpoint with --base-url; --mock needs neither")


def _call(settings: Settings, model: str | None) -> Iterator[Finding]:
    if model is None:
        yield Finding(None, "no call was made; --call MODEL makes one of one token")
        return
    try:
        seconds = asyncio.run(_one_call(settings, model))
    except IgentError as error:
        said = "; ".join(str(replace(problem, where="")) for problem in error.problems)
        yield Finding(False, f"a call to {model!r} failed: {said}")
    else:
        yield Finding(True, f"a call to {model!r} was answered in {seconds:.2f} s")


async def _one_call(settings: Settings, model: str) -> float:
    client = OpenAIModel(build_endpoint(settings, RunSpec()), SYSTEM_CLOCK)
    request = ChatRequest(
        model, (ChatMessage("user", "Answer: ok"),), CallContext("doctor", "doctor", "doctor"), {"max_tokens": 1}
    )
    try:
        return (await client.complete(request)).seconds
    finally:
        await client.close()
