"""Role prompts: Jinja2 templates under prompts/, rendered in a sandbox, each with a checksum for the audit."""

from __future__ import annotations

__all__ = ["PromptLibrary", "checksum"]

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from igent.errors import ConfigError, Problem

MAX_BYTES = 200_000


def checksum(text: str) -> str:
    """The first 12 hex digits of the SHA-256 of the text: enough to tell prompt versions apart."""
    return sha256(text.encode()).hexdigest()[:12]


class PromptLibrary:
    """The prompts that a constellation can name. `find` gives the file of a name such as "sbus/matcher1.md", or None;
    `names` lists the valid ones, for the remedy."""

    def __init__(self, find: Callable[[str], Path | None], names: Callable[[], list[str]]) -> None:
        self._find, self._names = find, names
        self._environment = ImmutableSandboxedEnvironment(
            undefined=StrictUndefined,
            autoescape=False,
            keep_trailing_newline=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        for risky in ("lipsum", "cycler", "joiner"):  # reach into modules, or make text without bound
            self._environment.globals.pop(risky, None)

    def render(self, name: str, variables: Mapping[str, Any]) -> str:
        """The system message of a role. Raises ConfigError with file, line and remedy."""
        path = self._find(name)
        if path is None or not path.is_file():
            near = ", ".join(self._names()) or "none"
            raise ConfigError(Problem("", f"no prompt {name!r}", f"prompts found: {near}"))
        try:
            text = path.read_bytes()[: MAX_BYTES + 1].decode("utf-8-sig")
        except OSError as error:
            raise ConfigError(Problem("", f"prompt {path} cannot be read: {error.strerror}")) from error
        except UnicodeDecodeError as error:
            raise ConfigError(Problem("", f"prompt {path} is not UTF-8", "save the file as UTF-8")) from error
        if len(text.encode()) > MAX_BYTES:
            raise ConfigError(Problem("", f"prompt {path} is larger than {MAX_BYTES:,} bytes"))
        if not text.strip():
            raise ConfigError(Problem("", f"prompt {path} is empty"))
        try:
            return self._environment.from_string(text).render(variables).strip() + "\n"
        except TemplateError as error:
            line = getattr(error, "lineno", None)
            what = f"prompt {path}{f':{line}' if line else ''}: {error.message or error}"
            raise ConfigError(Problem("", what, f"variables: {', '.join(sorted(variables))}")) from error
