"""What every test can rest on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from e2e_support import Shell, Zygote

_numbers = count()


@pytest.fixture(scope="session", autouse=True)
def caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test comes near the user's own cache, nor does a process that it starts: those of `shell` keep this variable,
    which none of igent's own is."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("caches")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.setenv("LOCALAPPDATA", str(folder))
        patch.delenv("IGENT_CACHE_FILE", raising=False)
        yield folder


@pytest.fixture(autouse=True)
def _cache_of_its_own(caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test is given what another one has paid for. The folder is made by whoever keeps something in it."""
    folder = str(caches / str(next(_numbers)))
    monkeypatch.setenv("XDG_CACHE_HOME", folder)
    monkeypatch.setenv("LOCALAPPDATA", folder)


@pytest.fixture(autouse=True)
def _logger_as_it_was() -> Iterator[None]:
    """A command that is run in this process sets up igent's logger, as it should; the next test finds it untouched."""
    logger = logging.getLogger("igent")
    level, propagate, handlers = logger.level, logger.propagate, list(logger.handlers)
    yield
    for handler in [handler for handler in logger.handlers if handler not in handlers]:
        logger.removeHandler(handler)
        handler.close()
    logger.setLevel(level)
    logger.propagate = propagate


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """Forks the processes of commands."""
    with Zygote() as running:
        yield running


@pytest.fixture
def shell(zygote: Zygote, tmp_path: Path) -> Iterator[Shell]:
    """Runs commands in an empty folder; what a test leaves running is killed."""
    made = Shell(zygote, tmp_path / "here")
    yield made
    made.kill_all()
