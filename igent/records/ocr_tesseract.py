"""Reads pictures of pages with the command `tesseract`, as a process of its own."""

from __future__ import annotations

__all__ = ["TesseractOcr", "find_tesseract"]

import asyncio
import re
import shutil
import subprocess
import sys
from asyncio.subprocess import PIPE

from igent.records.ocr_words import OcrError

_LANGUAGE = "eng"
_SECONDS = 60.0
_SECONDS_TO_SAY = 10.0
_VERSION = re.compile(r"tesseract v?(\d[\w.+-]*)")


class TesseractOcr:
    """The command as a PageOcr: a process for each page, of one thread, for pages are read side by side anyway."""

    how = "ocr"

    def __init__(self, command: str, version: str, seconds: float = _SECONDS) -> None:
        self.method = f"tesseract {version}"
        self._command = command
        self._seconds = seconds

    async def read(self, png: bytes, page: str) -> str:
        """See PageOcr.read; `page` has no effect. A page may take 60 s. Cancelling it ends the process."""
        del page
        code, out, said = await _run(self._command, ("stdin", "stdout", "-l", _LANGUAGE), png, self._seconds)
        if code:
            words = " ".join(said.decode("utf-8", "replace").split())[:200]
            raise OcrError(f"it ended with code {code}: {words or 'without a word'}")
        return out.decode("utf-8", "replace")


def find_tesseract(search_path: str | None = None) -> TesseractOcr | None:
    """The command, where it is found on `search_path` (None: where commands are found), works and knows English."""
    command = shutil.which("tesseract", path=search_path)
    if command is None:
        return None
    version = _VERSION.search(_said(command, "--version"))
    return (
        TesseractOcr(command, version[1]) if version and _LANGUAGE in _said(command, "--list-langs").split() else None
    )


def _said(command: str, option: str) -> str:
    """What it answers, old ones on stderr; "" when it cannot be asked, or is no answer."""
    try:
        ran = subprocess.run(  # noqa: S603  # the command that was found, and an option of ours
            (command, option),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS_TO_SAY,
            check=False,
            env=_environment(),
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if ran.returncode else (ran.stdout + b" " + ran.stderr).decode("utf-8", "replace")


def _environment() -> dict[str, str]:
    """No key of ours: only what it needs."""
    needed = {"OMP_THREAD_LIMIT": "1", "LC_ALL": "C"}
    return {**needed, "SYSTEMROOT": r"C:\Windows"} if sys.platform == "win32" else needed


async def _run(command: str, arguments: tuple[str, ...], data: bytes, seconds: float) -> tuple[int, bytes, bytes]:
    """Its code, output and errors."""
    try:
        process = await asyncio.create_subprocess_exec(
            command, *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=_environment(), start_new_session=True
        )
    except OSError as error:
        raise OcrError(f"it cannot be started: {error.strerror}") from error
    try:
        async with asyncio.timeout(seconds):
            out, said = await process.communicate(data)
    except TimeoutError as error:
        raise OcrError(f"it took more than {seconds:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, out, said
