"""What every test can rest on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_support import Shell, Zygote


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
