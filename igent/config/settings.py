"""The settings of one run: the command line over the environment (IGENT_…) over the constellation. Only this module
reads the environment."""

from __future__ import annotations

__all__ = ["Settings", "load_settings"]

import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, PrivateAttr, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from igent.config.names import unnameable
from igent.config.policy import CriticPolicy
from igent.errors import ConfigError, Problem

_OPENAI_DOMAIN = ".openai.com"


class _OpenAI(BaseSettings):
    """What the environment holds for OpenAI's own clients: a key, and where that is to be sent instead."""

    model_config = SettingsConfigDict(env_prefix="OPENAI_", frozen=True, extra="ignore")

    api_key: SecretStr | None = None
    base_url: str | None = None


class _Places(BaseSettings):
    """Where the platform has a user's caches."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    xdg_cache_home: str | None = None
    localappdata: str | None = None

    def caches(self) -> Path | None:
        """The folder of all programs' caches; None where the user has no home."""
        named = self.localappdata if sys.platform == "win32" else self.xdg_cache_home
        if named and Path(named).is_absolute():  # "all paths must be absolute" (XDG Base Directory Specification)
            return Path(named)
        try:
            home = Path.home()
        except RuntimeError:
            return None
        return home / "AppData" / "Local" if sys.platform == "win32" else home / ".cache"


class Settings(BaseSettings):
    """What a run may be told beside its constellation. None: the constellation decides, or the documented default."""

    model_config = SettingsConfigDict(env_prefix="IGENT_", frozen=True, extra="forbid", populate_by_name=True)

    data: Path | None = None
    """The data folder; None: the workload's own, data/<workload>."""
    scenario: str | None = None
    out: Path | None = None
    """The run folder; None: runs/<constellation>-<scenario>."""
    fresh: bool = False
    max_items: int | None = Field(default=None, ge=1)
    concurrency: Annotated[int, Field(ge=1, le=10_000)] | Literal["auto"] | None = None
    max_cost: Decimal | None = Field(default=None, gt=0)
    """US dollars that the whole run may cost; None: no limit."""
    max_calls: int | None = Field(default=None, ge=1)
    """Requests that the whole run may send; None: no limit."""
    speculate: Literal["auto", "on", "off"] | None = None
    hedge: bool | None = None
    cache: bool | None = None
    """Whether the cache is used; None: the constellation's `cache`."""
    cache_file: Path | None = None
    """The cache's file, for all kinds of entries; None: see `cache_path`."""
    model: Annotated[tuple[str, ...], NoDecode] = ()
    """"NAME" for all agents, "AGENT=NAME" for one; in IGENT_MODEL several, with commas between them."""
    base_url: str | None = Field(
        default=None, validation_alias=AliasChoices("base_url", "IGENT_BASE_URL", "OPENAI_BASE_URL")
    )
    api_key: SecretStr | None = None
    """A key for whatever endpoint is named; see `key`."""
    allow_host: str | None = None
    """A further host that OPENAI_API_KEY may be sent to."""
    critic: str | None = None
    mock: bool = False
    mock_errors: float = Field(default=0.0, ge=0.0, le=1.0)
    mock_latency: str | None = None
    seed: int = 0
    conversations: bool = True
    """Whether conversations.jsonl is written."""
    _openai: _OpenAI = PrivateAttr(default_factory=_OpenAI)
    _places: _Places = PrivateAttr(default_factory=_Places)

    @field_validator("model", mode="before")
    @classmethod
    def _model(cls, value: Any) -> Any:
        return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value

    @field_validator("data", "out", "cache_file")
    @classmethod
    def _nameable(cls, value: Path | None) -> Path | None:
        why = value and unnameable(value)
        if why:
            raise ValueError(f"{str(value)[:100]!r}: {why}")
        return value

    @field_validator("critic")
    @classmethod
    def _critic(cls, value: str | None) -> str | None:
        if value is not None:
            CriticPolicy.parse(value)
        return value

    def cache_path(self) -> Path | None:
        """The file of the cache: `cache_file`, else igent/cache.db in the user's cache folder ($XDG_CACHE_HOME or
        ~/.cache, %LOCALAPPDATA% on Windows); None where the user has no home: then there is no cache."""
        if self.cache_file is not None:
            return self.cache_file
        folder = self._places.caches()
        return folder and folder / "igent" / "cache.db"

    def key(self) -> SecretStr | None:
        """The key to send to the endpoint: one that was given for it, or OPENAI_API_KEY where that belongs."""
        if self.api_key is not None or self.withheld_from() is not None:
            return self.api_key
        return self._openai.api_key

    def withheld_from(self) -> str | None:
        """The host that OPENAI_API_KEY is not sent to, because it was given for another; None when none is kept back.

        It belongs to OpenAI, to the host of OPENAI_BASE_URL, and to `allow_host`.
        """
        if self.api_key is not None or self._openai.api_key is None or self.base_url is None:
            return None
        host = _host(self.base_url)
        given_for = {_host(self._openai.base_url or ""), (self.allow_host or "").lower()} - {""}
        openai = host.endswith(_OPENAI_DOMAIN) and self.base_url.lower().startswith("https:")  # else all could read it
        return None if host in given_for or openai else host or "this address"

    def models_of(self, agents: dict[str, str | None]) -> dict[str, str | None]:
        """The model of each agent: `--model AGENT=NAME`, else `--model NAME`, else the constellation's (given).

        Raises ConfigError for an agent that does not exist.
        """
        chosen = dict(agents)
        for entry in sorted(self.model, key=lambda e: "=" in e):
            agent, equals, name = entry.partition("=")
            if not entry or (equals and not name):
                raise ConfigError(
                    Problem("", f"--model {entry}: names no model", "--model NAME, or --model AGENT=NAME")
                )
            if not equals:
                chosen = dict.fromkeys(chosen, entry)
            elif agent not in chosen:
                raise ConfigError(Problem("", f"--model {entry}: no agent {agent!r}", f"agents: {', '.join(chosen)}"))
            else:
                chosen[agent] = name
        return chosen


def load_settings(**given: Any) -> Settings:
    """The settings from what was given (None is "not given") over the environment. Raises ConfigError."""
    try:
        return Settings(**{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        raise ConfigError(*(_problem(item) for item in error.errors())) from error
    except SettingsError as error:
        raise ConfigError(f"the environment's IGENT_ variables: {error}") from error


def _host(url: str) -> str:
    """In lower case; "" for what is no plain address: one that others may read otherwise gets no key."""
    try:
        parts = urlsplit(url)
        return "" if {"@", "\\"} & set(url) or parts.scheme not in {"http", "https"} else parts.hostname or ""
    except ValueError:
        return ""


def _problem(item: Any) -> Problem:
    name = str(item["loc"][0]) if item["loc"] else "settings"
    option = "IGENT_CACHE_FILE" if name == "cache_file" else f"--{name.replace('_', '-')}"
    option = name if name.isupper() else option
    return Problem("", f"{option}: {str(item['msg']).removeprefix('Value error, ')}")
