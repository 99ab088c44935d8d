"""Role prompts: Jinja2 templates under prompts/, each with a checksum for the audit."""

from __future__ import annotations

__all__ = ["PromptLibrary", "checksum"]

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

from igent.config.reading import read_small_file
from igent.errors import ConfigError, Problem
from igent.prompting.rendering import RenderError, render_text

MAX_BYTES = 200_000


def checksum(text: str) -> str:
    """The first 12 hex digits of the SHA-256 of the text: enough to tell prompt versions apart."""
    return sha256(text.encode()).hexdigest()[:12]


class PromptLibrary:
    """The prompts that a constellation can name. `find` gives the file of a name such as "sbus/matcher1.md", or None;
    `names` lists the valid ones, for the remedy."""

    def __init__(self, find: Callable[[str], Path | None], names: Callable[[], list[str]]) -> None:
        self._find, self._names = find, names
        self._rendered: dict[tuple[str, ...], str] = {}

    def render(self, name: str, variables: Mapping[str, str]) -> str:
        """The system message of a role. Raises ConfigError with file, line and remedy."""
        path = self._find(name)
        if path is None or not path.is_file():
            near = ", ".join(self._names()) or "none"
            raise ConfigError(Problem("", f"no prompt {name!r}", f"prompts found: {near}"))
        text = read_small_file(path, MAX_BYTES, str(path), "prompt")
        if not text.strip():
            raise ConfigError(Problem("", f"prompt {path} is empty"))
        key = (text, *(word for item in sorted(variables.items()) for word in item))
        if key not in self._rendered:  # a child process takes a moment, and agents share prompts
            self._rendered[key] = self._render(path, text, variables)
        return self._rendered[key]

    def _render(self, path: Path, text: str, variables: Mapping[str, str]) -> str:
        try:
            return render_text(text, variables).strip() + "\n"
        except RenderError as error:
            what = f"prompt {path}{f':{error.line}' if error.line else ''}: {error.what}"
            raise ConfigError(Problem("", what, f"variables: {', '.join(sorted(variables))}")) from error
