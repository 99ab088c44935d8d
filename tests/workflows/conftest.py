"""What the end-to-end tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_support import Shell, Zygote


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    with Zygote() as running:
        yield running


@pytest.fixture
def shell(zygote: Zygote, tmp_path: Path) -> Iterator[Shell]:
    """Runs commands in an empty folder; what a test leaves running is killed."""
    made = Shell(zygote, tmp_path / "here")
    yield made
    made.kill_all()
